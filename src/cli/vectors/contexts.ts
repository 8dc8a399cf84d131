// Contexts of recorded session keys, and who the recorded server is.

import { SESSION_ENCRYPTION, SESSION_MAC } from "../../core/core.ts";
import type { CryptoContext, SessionKeys } from "../../crypto/crypto-context.ts";
import { sessionContext } from "../../crypto/session.ts";
import type { Bench } from "./spec.ts";
import { fail, same, type Vector } from "./vector.ts";

/** Recorded session keys: `encryptionKey`, `signatureKey`, `identity`, `sequencenumber`, `keyid`. */
export function recordedSession(bench: Bench, recorded: Vector): CryptoContext {
  const { core } = bench;
  const keys: SessionKeys = {
    encryption: core.importKey(SESSION_ENCRYPTION, recorded.bytes("encryptionKey")),
    mac: core.importKey(SESSION_MAC, recorded.bytes("signatureKey")),
  };
  const context = sessionContext(core, recorded.textOr("identity"), recorded.number("sequencenumber"), keys);
  same("keyid of the session", keyIdOf(context), recorded.text("keyid"));
  return bench.own(context);
}

/** Compares session keys and the key id that follows from them with the record. */
export function sameSession(bench: Bench, context: CryptoContext, recorded: Vector, isNameless = false): void {
  const { core } = bench;
  const { slots } = context;
  same("keys in slots", slots !== null, true);
  same("encryptionKey", core.exportKey(slots!.encryption), recorded.bytes("encryptionKey"));
  same("signatureKey", core.exportKey(slots!.mac), recorded.bytes("signatureKey"));
  same("recorded key id", `${recorded.text("identity")}_${recorded.number("sequencenumber")}`, recorded.text("keyid"));
  // A device whose identity the issuer chose does not know it.
  const expected = isNameless ? `_${recorded.number("sequencenumber")}` : recorded.text("keyid");
  same("keyid of the session", keyIdOf(context), expected);
}

/** Identity under which our server answers. */
export function serverIdentity(bench: Bench): string {
  return bench.keys.file.serverPskIdentity ?? fail("the key file names no server");
}

/** What the context writes into envelopes. */
export function keyIdOf(context: CryptoContext): string | null {
  return context.slots === null ? null : Buffer.from(context.slots.keyId.text).toString("utf8");
}
