// messages_negative.json: hand-made messages, wrong ones and variants that are accepted, read by a whole server, by a
// client's reader, or by a whole client.

import { openPair } from "../../crypto/seal.ts";
import type { CryptoContext } from "../../crypto/crypto-context.ts";
import { nullContext } from "../../crypto/null.ts";
import { decodeObject } from "../../encoding/codec.ts";
import type { MslMap } from "../../encoding/msl-map.ts";
import { MslError, protocolError } from "../../errors/msl-error.ts";
import { parseMasterToken } from "../../tokens/master-token.ts";
import { recordedSession } from "./contexts.ts";
import { checkClientControl } from "./negative-control.ts";
import { checkClient } from "./negative-client.ts";
import { checkServer } from "./negative-server.ts";
import { objectsOf, serverEnvironment } from "./reading.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, type Vector } from "./vector.ts";

export const NEGATIVE_MESSAGE_FILE: FileSpec = {
  file: "messages_negative.json",
  members: ["description", "now", "mastertoken", "useridtoken"],
  lists: {
    vectors: {
      needs: schemesOf,
      run: (vector, bench) => (RECEIVERS.get(vector.text("receiver")) ?? fail("no such receiver"))(vector, bench),
    },
  },
};

const RECEIVERS: ReadonlyMap<string, (vector: Vector, bench: Bench) => Promise<void>> = new Map([
  ["server", checkServer],
  ["client", checkClient],
  ["client control", checkClientControl],
]);

/** Schemes that the message itself speaks of, as far as it can be taken apart. */
async function schemesOf(vector: Vector, bench: Bench): Promise<readonly string[]> {
  const pending = vector.has("keyrequestdata") ? (vector.raw("keyrequestdata") as readonly string[]) : [];
  const names = pending.map((request) => (parseJson(request, "keyrequestdata") as { scheme: string }).scheme);
  try {
    const objects = await objectsOf(vector.utf8("message"), serverEnvironment({ bench }));
    const outer = decodeObject(objects[0] ?? protocolError("MSL_PARSE_ERROR"), "message");
    const entity = outer.mapOr("entityauthdata");
    if (entity !== null) names.push(entity.string("scheme"));
    const context = await contextOf(outer, entity, vector, bench);
    const header = await opened(outer, "headerdata", context);
    for (const member of ["keyresponsedata", "userauthdata"]) {
      if (header.has(member)) names.push(header.map(member).string("scheme"));
    }
    const requests = header.listOr("keyrequestdata");
    for (let i = 0; requests !== null && i < requests.length; i++) names.push(requests.map(i).string("scheme"));
    for (const object of objects.slice(1)) {
      const chunk = await opened(decodeObject(object, "chunk"), "payload", context);
      names.push(chunk.stringOr("compressionalgo") ?? "");
    }
  } catch (error) {
    // What cannot be taken apart needs no scheme beyond those before it.
    if (!(error instanceof MslError)) throw error;
  }
  return names;
}

async function contextOf(outer: MslMap, entity: MslMap | null, vector: Vector, bench: Bench): Promise<CryptoContext> {
  const token = outer.mapOr("mastertoken");
  if (token !== null) {
    const { verified } = await parseMasterToken(token, bench.keys.issuer, bench.core);
    if (verified !== null) return bench.own(verified.context);
    const held = vector.objectOr("client")?.objectOr("sessionKeys") ?? null;
    return held === null ? nullContext : recordedSession(bench, held);
  }
  if (entity?.string("scheme") !== "PSK") return nullContext;
  return bench.keys.psk(entity.map("authdata").string("identity")) ?? nullContext;
}

async function opened(outer: MslMap, member: string, context: CryptoContext): Promise<MslMap> {
  const plain = await openPair(context, outer.bytes(member), outer.bytes("signature"));
  return decodeObject(plain ?? new Uint8Array(0), member);
}
