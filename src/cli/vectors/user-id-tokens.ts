// user_id_tokens.json: tokens of the token issuer, read by it and by a client without its keys, and issued again.

import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import { parseMasterToken } from "../../tokens/master-token.ts";
import {
  createUserIdToken,
  isBoundTo,
  isSameUserIdToken,
  parseUserIdToken,
  type UserIdToken,
  userIdTokenFields,
} from "../../tokens/user-id-token.ts";
import { sameTrust } from "./master-tokens.ts";
import { checkOutcome } from "./outcome.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, utf8, type Vector } from "./vector.ts";

export const USER_ID_TOKEN_FILE: FileSpec = {
  file: "user_id_tokens.json",
  members: ["description", "now"],
  lists: { vectors: { run: checkToken }, parse: { run: checkParsing } },
};

async function checkToken(vector: Vector, bench: Bench): Promise<void> {
  const issuer = bench.keys.issuer;
  const masterToken = await recordedMasterToken(vector.text("mastertoken"), bench);
  const map = decodeObject(vector.utf8("token"), "useridtoken");
  const token = await parseUserIdToken(map, issuer, masterToken);
  const { user, issuerData } = token.verified ?? fail("not verified by its issuer");
  same("renewalwindow", token.renewalWindow, vector.number("renewalwindow"));
  same("expiration", token.expiration, vector.number("expiration"));
  same("mtserialnumber", token.mtSerialNumber, vector.number("mtserialnumber"));
  same("serialnumber", token.serialNumber, vector.number("serialnumber"));
  same("user", user, vector.text("user"));
  same("issuerdata", issuerData, vector.has("issuerdata") ? vector.json("issuerdata") : {});
  same("bound", isBoundTo(token, masterToken), true);
  same("tokendata", json(token.tokendata), vector.json("tokendata"));
  const userdata = await userDataOf(token, bench);
  same("userdata", userdata, vector.json("userdata"));
  same("token sent again", json(encodeObject("JSON", userIdTokenFields(token))), vector.json("token"));
  const client = await parseUserIdToken(map, null, masterToken);
  same("what a client can read", { ...client, verified: null }, { ...token, verified: null });
  same("verified by a client", client.verified, null);

  const ours = await createUserIdToken(issuer, "JSON", { ...token, user, issuerData });
  const { userdata: _ours, ...fields } = json(ours.tokendata) as Record<string, unknown>;
  const { userdata: _theirs, ...wanted } = vector.json("tokendata") as Record<string, unknown>;
  same("tokendata issued again", fields, wanted);
  const { issuerdata: noted = {}, ...rest } = (await userDataOf(ours, bench)) as Record<string, unknown>;
  const { issuerdata: recorded = {}, ...others } = userdata as Record<string, unknown>;
  same("userdata issued again", { ...rest, issuerdata: noted }, { ...others, issuerdata: recorded });
  const again = decodeObject(encodeObject("JSON", userIdTokenFields(ours)), "useridtoken");
  const read = await parseUserIdToken(again, issuer, masterToken);
  same("token issued again", [isSameUserIdToken(read, token), read.verified?.user], [true, user]);
}

async function checkParsing(vector: Vector, bench: Bench): Promise<void> {
  const recorded = vector.textOr("mastertoken");
  const masterToken = recorded === null ? null : await recordedMasterToken(recorded, bench);
  const wire = vector.utf8("token");
  for (const [side, crypto] of [
    ["issuer", bench.keys.issuer],
    ["client", null],
  ] as const) {
    const outcome = vector.object(side);
    await checkOutcome(
      outcome,
      () => parseUserIdToken(decodeObject(wire, "useridtoken"), crypto, masterToken),
      (token) => sameTrust(side, token.verified, outcome.object("result")),
    );
  }
}

/** A master token that a vector stands on, as its issuer reads it. */
export async function recordedMasterToken(json: string, bench: Bench): Promise<MasterToken> {
  const token = await parseMasterToken(decodeObject(utf8(json), "mastertoken"), bench.keys.issuer, bench.core);
  if (token.verified !== null) bench.own(token.verified.context);
  return token;
}

/** A user ID token that a vector stands on. */
export function recordedUserIdToken(json: string, masterToken: MasterToken | null, bench: Bench): Promise<UserIdToken> {
  return parseUserIdToken(decodeObject(utf8(json), "useridtoken"), bench.keys.issuer, masterToken);
}

async function userDataOf(token: UserIdToken, bench: Bench): Promise<unknown> {
  const sealed = decodeObject(token.tokendata, "tokendata").bytes("userdata");
  return json(await bench.keys.issuer.current.decrypt(sealed));
}

function json(bytes: Uint8Array): unknown {
  return parseJson(text(bytes), "our bytes");
}
