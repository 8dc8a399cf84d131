// Pairs of sides that differ in the formats that they list: the device, or the peer that begins, and the other one.

import type { CapabilitiesConfig } from "../src/message/capabilities.ts";
import type { Format } from "../src/encoding/codec.ts";

export type Wire = "both" | "JSON" | "CBOR" | "JSON device" | "JSON server" | "CBOR device" | "CBOR server";

/** What of its configuration a side has from its formats. */
export interface Formats {
  readonly capabilities?: CapabilitiesConfig;
  readonly firstFormat?: Format;
}

const json: Formats = { capabilities: { formats: ["JSON"] }, firstFormat: "JSON" };
const cbor: Formats = { capabilities: { formats: ["CBOR"] }, firstFormat: "CBOR" };
/** CBOR, then JSON; JSON to who has not said what it reads. */
const both: Formats = {};

export const WIRES: Readonly<Record<Wire, { readonly device: Formats; readonly server: Formats }>> = {
  both: { device: both, server: both },
  JSON: { device: json, server: json },
  CBOR: { device: cbor, server: cbor },
  "JSON device": { device: json, server: both },
  "JSON server": { device: both, server: json },
  "CBOR device": { device: cbor, server: both },
  "CBOR server": { device: both, server: cbor },
};

/** Formats of messages in turn: of the first one, and of all others once the sides know each other. */
export function expectedFormats(wire: Wire): readonly [first: Format, then: Format] {
  const { device, server } = WIRES[wire];
  const lists = (side: Formats) => side.capabilities?.formats ?? ["CBOR", "JSON"];
  const isCbor = [device, server].every((side) => lists(side).includes("CBOR"));
  return [device.firstFormat ?? "JSON", isCbor ? "CBOR" : "JSON"];
}
