// RSA keys of node:crypto as the core takes them.

import { generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";
import type { RawCore } from "./raw/raw-core.ts";

export interface RsaNumbers {
  readonly n: Buffer;
  readonly e: number;
  readonly d: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
}

export interface RsaPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly numbers: RsaNumbers;
}

const bytes = (text: string | undefined) => Buffer.from(text ?? "", "base64url");

export function numbersOf(jwk: JsonWebKey): RsaNumbers {
  const e = bytes(jwk.e);
  return { n: bytes(jwk.n), e: e.readUIntBE(0, e.length), d: bytes(jwk.d), p: bytes(jwk.p), q: bytes(jwk.q) };
}

export function nodePair(bits: number, e = 65537): RsaPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: e });
  return { privateKey, publicKey, numbers: numbersOf(privateKey.export({ format: "jwk" })) };
}

/** Slot, or the status. From the primes, or with `d` alone. */
export function importRsa(core: RawCore, key: RsaNumbers, usage: number, from: "primes" | "d" = "primes"): number {
  const n = core.put(key.n);
  if (from === "d") {
    return core.x.rsaImport!(n, key.n.length, key.e, core.put(key.d, 1024), key.d.length, usage);
  }
  const p = core.put(key.p, 1024);
  const q = core.put(key.q, 2048);
  return core.x.rsaImportPrimes!(n, key.n.length, key.e, p, key.p.length, q, key.q.length, usage);
}

/** The arena: the last 32 KiB of the stages. */
export function arenaIsZero(core: RawCore, stages: number): boolean {
  return core.get(core.inPtr + stages - 32768, 32768).every((byte) => byte === 0);
}

/** Bytes of a result, or the status. */
export function bytesOf(core: RawCore, status: number, at = core.outPtr): Buffer | number {
  return status < 0 ? status : Buffer.from(core.get(at, status));
}
