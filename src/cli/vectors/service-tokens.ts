// service_tokens.json: the application's tokens, read with and without their keys, and made again.

import { nullContext } from "../../crypto/null.ts";
import { compressionNamed, compressorOf } from "../../encoding/compression.ts";
import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import {
  createServiceToken,
  isSameServiceToken,
  parseServiceToken,
  type ServiceToken,
  type ServiceTokenReader,
  serviceTokenFields,
} from "../../tokens/service-token.ts";
import type { UserIdToken } from "../../tokens/user-id-token.ts";
import { checkOutcome } from "./outcome.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { recordedMasterToken, recordedUserIdToken } from "./user-id-tokens.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const SERVICE_TOKEN_FILE: FileSpec = {
  file: "service_tokens.json",
  members: ["description", "now", "mastertoken", "useridtoken", "useridtoken2"],
  lists: {
    vectors: { needs: compressionOf, run: checkToken },
    parse: { run: checkParsing },
  },
};

function compressionOf(vector: Vector): readonly string[] {
  return vector.has("compression") ? [vector.text("compression")] : [];
}

async function checkToken(vector: Vector, bench: Bench): Promise<void> {
  const masterToken = await recordedMasterToken(bench.common.mastertoken as string, bench);
  const userIdToken = await recordedUserIdToken(bench.common.useridtoken as string, masterToken, bench);
  const context = bench.keys.serviceToken(vector.text("key")) ?? fail("no such keys");
  const reader: ServiceTokenReader = {
    masterToken,
    userIdToken,
    context: () => context,
    compression: bench.compression,
  };
  const token = await parseServiceToken(decodeObject(vector.utf8("token"), "servicetoken"), reader);
  same("verified", token.verified, true);
  same("name", token.name, vector.text("name"));
  same("bound", binding(token), vector.text("bound"));
  same("mtserialnumber", token.mtSerialNumber, vector.numberOr("mtserialnumber"));
  same("uitserialnumber", token.uitSerialNumber, vector.numberOr("uitserialnumber"));
  same("encrypted", token.encrypted, vector.flag("encrypted"));
  same("compression", token.compression, vector.textOr("compression"));
  same("data", token.data, vector.bytes("data"));
  same("deleted", token.data?.length === 0, vector.flag("deleted"));
  same("tokendata", json(token.tokendata), vector.json("tokendata"));
  same("token sent again", json(encodeObject("JSON", serviceTokenFields(token))), vector.json("token"));
  same(
    "opaque without keys",
    (await parseServiceToken(sentAgain(token), { ...reader, context: () => null })).verified,
    false,
  );
  await checkReissue(vector, token, reader, bench);
}

/** Makes a token of the same content: clear parts are the recorded ones, ciphertext and GZIP output are its own. */
async function checkReissue(
  vector: Vector,
  token: ServiceToken,
  reader: ServiceTokenReader,
  bench: Bench,
): Promise<void> {
  const requested = vector.textOr("requestedCompression");
  const algorithms = requested === null ? [] : [compressionNamed(requested, "requestedCompression")];
  const ours = await createServiceToken("JSON", {
    name: token.name,
    data: vector.bytes("data"),
    masterToken: token.mtSerialNumber === null ? null : reader.masterToken,
    userIdToken: token.uitSerialNumber === null ? null : reader.userIdToken,
    encrypt: token.encrypted,
    compressor: compressorOf(algorithms, bench.gzip),
    context: reader.context(token.name) ?? nullContext,
  });
  const isOwn = (token.encrypted || token.compression !== null) && vector.text("data") !== "";
  const clear = (bytes: Uint8Array) => {
    const fields = json(bytes) as Record<string, unknown>;
    return isOwn ? { ...fields, servicedata: null } : fields;
  };
  same("tokendata made again", clear(ours.tokendata), clear(token.tokendata));
  const read = await parseServiceToken(sentAgain(ours), reader);
  same("token made again", [isSameServiceToken(read, token), read.verified, read.data], [true, true, token.data]);
}

async function checkParsing(vector: Vector, bench: Bench): Promise<void> {
  const mt = vector.textOr("mastertoken");
  const masterToken: MasterToken | null = mt === null ? null : await recordedMasterToken(mt, bench);
  const uit = vector.textOr("useridtoken");
  const userIdToken: UserIdToken | null = uit === null ? null : await recordedUserIdToken(uit, masterToken, bench);
  const hasContexts = vector.textOr("cryptoContexts") !== "none";
  const wire = vector.utf8("token");
  const context = (name: string) => (hasContexts ? bench.keys.serviceToken(name) : null);
  return checkOutcome(
    vector,
    () =>
      parseServiceToken(decodeObject(wire, "servicetoken"), {
        masterToken,
        userIdToken,
        context,
        compression: bench.compression,
      }),
    (token) => {
      const result = vector.object("result");
      same("verified", token.verified, result.flag("verified"));
      // A token that was verified was also decrypted: what cannot be is an error.
      same("decrypted", token.verified && token.data !== null, result.flag("decrypted"));
      same("deleted", token.data?.length === 0, result.flag("deleted"));
      same("data", token.data, result.bytesOr("data"));
    },
  );
}

function binding(token: ServiceToken): string {
  if (token.uitSerialNumber !== null) return "user";
  return token.mtSerialNumber !== null ? "master" : "unbound";
}

function sentAgain(token: ServiceToken) {
  return decodeObject(encodeObject("JSON", serviceTokenFields(token)), "servicetoken");
}

function json(bytes: Uint8Array): unknown {
  return parseJson(text(bytes), "our bytes");
}
