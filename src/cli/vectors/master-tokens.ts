// master_tokens.json: tokens of the token issuer, read by it and by a client without its keys, and issued again.

import { SESSION_ENCRYPTION, SESSION_MAC } from "../../core/core.ts";
import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import {
  createMasterToken,
  isNewer,
  isSameMasterToken,
  type MasterToken,
  masterTokenFields,
  parseMasterToken,
} from "../../tokens/master-token.ts";
import { isExpired, isRenewable } from "../../tokens/times.ts";
import { checkOutcome } from "./outcome.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const MASTER_TOKEN_FILE: FileSpec = {
  file: "master_tokens.json",
  members: ["description", "now"],
  lists: {
    vectors: { needs: (vector) => [vector.text("signatureAlgorithm")], run: checkToken },
    parse: { run: checkParsing },
    isNewerThan: { run: checkOrder },
    "time.at": { run: checkTime },
  },
};

async function checkToken(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const issuer = bench.keys.issuer;
  const wire = vector.utf8("token");
  const token = await parseMasterToken(decodeObject(wire, "mastertoken"), issuer, core);
  const session = token.verified ?? fail("not verified by its issuer");
  bench.own(session.context);
  same("renewalwindow", token.renewalWindow, vector.number("renewalwindow"));
  same("expiration", token.expiration, vector.number("expiration"));
  same("sequencenumber", token.sequenceNumber, vector.number("sequencenumber"));
  same("serialnumber", token.serialNumber, vector.number("serialnumber"));
  same("identity", session.identity, vector.text("identity"));
  same("encryptionKey", core.exportKey(session.keys.encryption), vector.bytes("encryptionKey"));
  same("signatureKey", core.exportKey(session.keys.mac), vector.bytes("signatureKey"));
  const issuerData = vector.has("issuerdata") ? vector.json("issuerdata") : {};
  same("issuerdata", session.issuerData, issuerData);
  same("tokendata", json(token.tokendata), vector.json("tokendata"));
  const recorded = vector.json("sessiondata") as Record<string, unknown>;
  same("encryptionAlgorithm", recorded.encryptionalgorithm, vector.text("encryptionAlgorithm"));
  same("signatureAlgorithm", recorded.signaturealgorithm, vector.text("signatureAlgorithm"));
  same("sessiondata", await sessionData(token, bench), recorded);
  same("token sent again", base64Fields(token), vector.json("token"));
  const client = await parseMasterToken(decodeObject(wire, "mastertoken"), null, core);
  same("what a client can read", { ...client, verified: null }, { ...token, verified: null });
  same("verified by a client", client.verified, null);
  await checkReissue(vector, token, recorded, bench);
}

/** Issues a token of the same fields: its plaintexts are the recorded ones, ciphertext and signature are its own. */
async function checkReissue(vector: Vector, token: MasterToken, recorded: unknown, bench: Bench): Promise<void> {
  const { core } = bench;
  const { identity, issuerData, keys: session } = token.verified ?? fail("not verified");
  const keys = {
    encryption: bench.own(core.importKey(SESSION_ENCRYPTION, vector.bytes("encryptionKey"))),
    mac: bench.own(core.importKey({ type: session.mac.type, usage: SESSION_MAC.usage }, vector.bytes("signatureKey"))),
  };
  const issuer = bench.keys.issuer;
  const ours = await createMasterToken(core, issuer, "JSON", { ...token, identity, issuerData, keys });
  const { sessiondata: _ours, ...fields } = json(ours.tokendata) as Record<string, unknown>;
  const { sessiondata: _theirs, ...wanted } = vector.json("tokendata") as Record<string, unknown>;
  same("tokendata issued again", fields, wanted);
  same("sessiondata issued again", withoutEmptyIssuerData(await sessionData(ours, bench)), recorded);
  const read = await parseMasterToken(decodeObject(wireOf(ours), "mastertoken"), issuer, core);
  bench.own((read.verified ?? fail("our own token is not verified")).context);
  same("token issued again", isSameMasterToken(read, token), true);
}

/** Plaintext of a token's session data. */
async function sessionData(token: MasterToken, bench: Bench): Promise<unknown> {
  const sealed = decodeObject(token.tokendata, "tokendata").bytes("sessiondata");
  return json(await bench.keys.issuer.current.decrypt(sealed));
}

function withoutEmptyIssuerData(data: unknown): unknown {
  const { issuerdata, ...rest } = data as Record<string, unknown>;
  return JSON.stringify(issuerdata) === "{}" ? rest : data;
}

async function checkParsing(vector: Vector, bench: Bench): Promise<void> {
  const wire = vector.utf8("token");
  for (const [side, crypto] of [
    ["issuer", bench.keys.issuer],
    ["client", null],
  ] as const) {
    const outcome = vector.object(side);
    await checkOutcome(
      outcome,
      () => parseMasterToken(decodeObject(wire, "mastertoken"), crypto, bench.core),
      (token) => {
        if (token.verified !== null) bench.own(token.verified.context);
        sameTrust(side, token.verified, outcome.object("result"));
      },
    );
  }
}

/** A token is verified and decrypted, or neither: what is verified but cannot be decrypted is an error. */
export function sameTrust(side: string, verified: unknown, result: Vector): void {
  same(`${side}: verified`, verified !== null, result.flag("verified"));
  same(`${side}: decrypted`, verified !== null, result.flag("decrypted"));
}

function checkOrder(vector: Vector): void {
  const side = (name: string): MasterToken => {
    const fields = vector.object(name);
    const none = new Uint8Array(0);
    const times = { renewalWindow: 0, expiration: fields.number("expiration") };
    const sequenceNumber = fields.number("sequencenumber");
    return { tokendata: none, signature: none, ...times, sequenceNumber, serialNumber: 1, verified: null };
  };
  const a = side("a");
  const b = side("b");
  same("aNewerThanB", isNewer(a, b), vector.flag("aNewerThanB"));
  same("bNewerThanA", isNewer(b, a), vector.flag("bNewerThanA"));
  same("equal", isSameMasterToken(a, b), vector.flag("equal"));
}

interface TimeMember {
  readonly renewalwindow: number;
  readonly expiration: number;
  readonly unverifiedWithoutClock: { readonly renewable: boolean; readonly expired: boolean };
}

function checkTime(vector: Vector, bench: Bench): void {
  const member = bench.common.time as TimeMember;
  const token = { renewalWindow: member.renewalwindow, expiration: member.expiration };
  const now = Math.floor(vector.number("nowMillis") / 1000);
  for (const [what, peer, local] of [
    ["the peer's time", now, null],
    ["the local clock", null, now],
  ] as const) {
    same(`renewable by ${what}`, isRenewable(token, peer, local), vector.flag("renewable"));
    same(`expired by ${what}`, isExpired(token, peer, local), vector.flag("expired"));
  }
  const { renewable, expired } = member.unverifiedWithoutClock;
  same("renewable without a clock", isRenewable(token, null, null), renewable);
  same("expired without a clock", isExpired(token, null, null), expired);
}

function base64Fields(token: MasterToken): unknown {
  return json(wireOf(token));
}

function wireOf(token: MasterToken): Uint8Array {
  return encodeObject("JSON", masterTokenFields(token));
}

function json(bytes: Uint8Array): unknown {
  return parseJson(text(bytes), "our bytes");
}
