// misc.json: message id arithmetic, capabilities, and what single JSON texts parse to.

import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import { MAX_ID } from "../../encoding/limits.ts";
import type { MslMap } from "../../encoding/msl-map.ts";
import { MslProtocolError } from "../../errors/msl-error.ts";
import {
  type Capabilities,
  capabilitiesFields,
  intersectCapabilities,
  parseCapabilities,
} from "../../message/capabilities.ts";
import { nextMessageId, previousMessageId } from "../../message/ids.ts";
import { checkOutcome } from "./outcome.ts";
import type { FileSpec } from "./spec.ts";
import { fail, same, text, type Vector } from "./vector.ts";

export const MISC_FILE: FileSpec = {
  file: "misc.json",
  members: ["description"],
  lists: {
    messageIds: {
      run(vector) {
        const id = vector.number("messageid");
        same("incremented", nextMessageId(id), vector.number("incremented"));
        same("decremented", previousMessageId(id), vector.number("decremented"));
      },
    },
    capabilitiesIntersection: { run: checkIntersection },
    capabilitiesParse: { run: checkCapabilities },
    jsonInputs: { run: checkJson },
  },
};

type Compression = Capabilities["compression"][number];

function checkIntersection(vector: Vector): void {
  const encoding = vector.json("encoding") as { languages: string[]; encoderformats: ("JSON" | "CBOR")[] };
  const side = (name: string): Capabilities => ({
    compression: vector.text(name).split(",").filter(Boolean) as Compression[],
    languages: encoding.languages,
    formats: encoding.encoderformats,
    keyxSchemes: [],
  });
  const both = intersectCapabilities(side("a"), side("b")) ?? fail("no intersection");
  same("intersection", listed(both.compression), vector.text("intersection"));
  same("preferred", both.compression[0] ?? "none", vector.text("preferred"));
  same("encoding", JSON.parse(text(encodeObject("JSON", capabilitiesFields(both)))), encoding);
  same("intersection with nothing", intersectCapabilities(both, null), null);
}

function checkCapabilities(vector: Vector): Promise<void> {
  const input = vector.utf8("capabilities");
  return checkOutcome(
    vector,
    () => parseCapabilities(decodeObject(input, "capabilities")),
    (capabilities) => {
      const result = vector.object("result");
      same("compressionalgos", listed(capabilities.compression), result.text("compressionalgos"));
      same("languages", capabilities.languages, result.raw("languages"));
      // CBOR is our own addition: the reference ignores a name that it does not know.
      const known = capabilities.formats.filter((format) => format !== "CBOR");
      same("encoderformats", listed(known), result.text("encoderformats"));
    },
  );
}

function checkJson(vector: Vector): Promise<void> {
  return checkOutcome(
    vector,
    () => decodeObject(vector.utf8("input"), "input"),
    (map) => {
      const result = vector.object("result");
      same("keys", map.names().length, result.number("keys"));
      same("aType", typeOf(map), result.text("aType"));
      if (result.has("aText")) same("aText", map.string("a"), result.text("aText"));
      same("aLong", integer(map), result.numberOr("aLong"));
    },
  );
}

/** What the typed accessors take member `a` for. */
function typeOf(map: MslMap): string {
  if (!map.has("a")) return "absent";
  if (reads(() => map.string("a"))) return "String";
  if (reads(() => map.bool("a"))) return "Boolean";
  if (reads(() => map.list("a"))) return "array";
  return reads(() => map.map("a")) ? "object" : "number";
}

function integer(map: MslMap): number | null {
  return reads(() => map.int("a", -MAX_ID, MAX_ID)) ? map.int("a", -MAX_ID, MAX_ID) : null;
}

function reads(access: () => unknown): boolean {
  try {
    access();
    return true;
  } catch (error) {
    if (error instanceof MslProtocolError) return false;
    throw error;
  }
}

function listed(names: readonly string[]): string {
  return `[${names.join(", ")}]`;
}
