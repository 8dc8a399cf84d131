// Crypto contexts of those who receive the recorded tokens and messages, made from the key file or from recorded keys.

import { SESSION_ENCRYPTION, SESSION_MAC } from "../../core/core.ts";
import type { CryptoContext, SessionKeys } from "../../crypto/crypto-context.ts";
import { sessionContext } from "../../crypto/session.ts";
import { pskContext } from "../../store/entity-keys.ts";
import { type TokenCrypto, tokenKeys } from "../../tokens/token-crypto.ts";
import type { RawKeys } from "./key-file.ts";
import type { Bench } from "./spec.ts";
import { same, type Vector } from "./vector.ts";

/** The token issuer's keys. */
export function issuerCrypto(bench: Bench): TokenCrypto {
  const { keyId, keys } = bench.keys.msl();
  return tokenKeys([contextOf(bench, keyId, keys)]);
}

/** Context of service tokens of this name, else that of the default name. */
export function serviceTokenContext(bench: Bench, name: string): CryptoContext | null {
  const keys = bench.keys.serviceToken(name) ?? bench.keys.serviceToken("");
  return keys === null ? null : contextOf(bench, name, keys);
}

/** Pre-shared context of an identity, with its wrapping key. */
export function preSharedContext(bench: Bench, identity: string): CryptoContext | null {
  const keys = bench.keys.psk(identity);
  return keys === null ? null : contextOf(bench, identity, keys);
}

function contextOf(bench: Bench, identity: string, raw: RawKeys): CryptoContext {
  const { encryption: encryptionKey, mac: macKey, wrapping: wrappingKey } = raw;
  return bench.own(pskContext(bench.core, { identity, encryptionKey, macKey, wrappingKey }));
}

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
export function sameSession(bench: Bench, context: CryptoContext, recorded: Vector): void {
  const { core } = bench;
  const { slots } = context;
  same("keys in slots", slots !== null, true);
  same("encryptionKey", core.exportKey(slots!.encryption), recorded.bytes("encryptionKey"));
  same("signatureKey", core.exportKey(slots!.mac), recorded.bytes("signatureKey"));
  same("recorded key id", `${recorded.text("identity")}_${recorded.number("sequencenumber")}`, recorded.text("keyid"));
  same("keyid of the session", keyIdOf(context), recorded.text("keyid"));
}

/** What the context writes into envelopes. */
export function keyIdOf(context: CryptoContext): string | null {
  return context.slots === null ? null : Buffer.from(context.slots.keyId.text).toString("utf8");
}
