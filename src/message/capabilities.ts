// Message capabilities: what the sender can read ("MSL Messages", message capabilities).
//   capabilities = { "compressionalgos": [string], "languages": [string], "encoderformats": [string], "keyxschemes": [string]? }
// `keyxschemes` is our extension; peers that do not know it drop it from intersections.

import { type CompressionAlgorithm, COMPRESSION_ALGORITHMS } from "../encoding/compression.ts";
import type { EncodeFields, Format } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";

export interface Capabilities {
  readonly compression: readonly CompressionAlgorithm[];
  /** BCP 47, most preferred first. */
  readonly languages: readonly string[];
  readonly formats: readonly Format[];
  readonly keyxSchemes: readonly string[];
}

/** What a deployment may set; the rest follows from what is plugged in. */
export interface CapabilitiesConfig {
  readonly languages?: readonly string[];
  /** In order of our own preference. Default CBOR, then JSON. */
  readonly formats?: readonly Format[];
  /** Default: GZIP where the environment has it, and LZW. Without any, nothing is sent or accepted compressed. */
  readonly compression?: readonly CompressionAlgorithm[];
}

const FORMATS: readonly Format[] = ["CBOR", "JSON"];

/** Reads the object; unknown names are ignored, an absent or mistyped array is empty. @throws MSL_PARSE_ERROR */
export function parseCapabilities(map: MslMap): Capabilities {
  const compression = strings(map, "compressionalgos");
  const formats = strings(map, "encoderformats");
  return {
    compression: COMPRESSION_ALGORITHMS.filter((name) => compression.includes(name)),
    languages: strings(map, "languages"),
    formats: FORMATS.filter((name) => formats.includes(name)),
    keyxSchemes: [...new Set(strings(map, "keyxschemes"))],
  };
}

function strings(map: MslMap, name: string): string[] {
  const list = map.lenientList(name);
  const out: string[] = [];
  if (list !== null) for (let i = 0; i < list.length; i++) out.push(list.string(i));
  return out;
}

export function capabilitiesFields(capabilities: Capabilities): EncodeFields {
  return {
    compressionalgos: capabilities.compression,
    languages: capabilities.languages,
    encoderformats: capabilities.formats,
    keyxschemes: capabilities.keyxSchemes.length > 0 ? capabilities.keyxSchemes : null,
  };
}

/** What both sides can; languages keep the order of `a`. Null if either side says nothing. */
export function intersectCapabilities(a: Capabilities | null, b: Capabilities | null): Capabilities | null {
  if (a === null || b === null) return null;
  return {
    compression: a.compression.filter((name) => b.compression.includes(name)),
    languages: a.languages.filter((name) => b.languages.includes(name)),
    formats: a.formats.filter((name) => b.formats.includes(name)),
    keyxSchemes: a.keyxSchemes.filter((name) => b.keyxSchemes.includes(name)),
  };
}

/** The format to send to a peer with these capabilities: the first of our own preference that it reads, JSON otherwise. */
export function preferredFormat(own: readonly Format[], peer: Capabilities | null): Format {
  return own.find((format) => peer?.formats.includes(format)) ?? "JSON";
}
