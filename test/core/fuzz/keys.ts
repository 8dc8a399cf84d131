// Keys of every type in the first slots, so that calls with small slot numbers get past the first checks.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import * as abi from "../../../src/core/abi.ts";
import { importRaw, type RawCore } from "../raw/raw-core.ts";

const PLAIN: readonly (readonly [type: number, length: number])[] = [
  [abi.KEY_AES, 16],
  [abi.KEY_HMAC_SHA256, 32],
  [abi.KEY_AES_WRAP, 16],
  [abi.KEY_X25519, 32],
  [abi.KEY_SECRET, 32],
  [abi.KEY_AES, 32],
  [abi.KEY_HMAC_SHA384, 48],
  [abi.KEY_HMAC_SHA512, 64],
  [abi.KEY_CMAC, 16],
];

/** A prime of 1024 bits and another, made once: keys of big slots would take too long to make for each program. */
const PRIMES = (() => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { n, p, q } = privateKey.export({ format: "jwk" });
  return [n, p, q].map((text) => new Uint8Array(Buffer.from(text!, "base64url")));
})();

export function prepareKeys(core: RawCore): void {
  for (const [type, length] of PLAIN) importRaw(core, type, 255, randomBytes(length));
  const { x } = core;
  if (x.p256Generate !== undefined) x.p256Generate(255, core.outPtr);
  if (x.rsaImportPrimes !== undefined) {
    const [n, p, q] = PRIMES;
    const pointers = [core.put(n!), core.put(p!, 512), core.put(q!, 1024)];
    const slot = x.rsaImportPrimes(
      pointers[0]!,
      n!.length,
      65537,
      pointers[1]!,
      p!.length,
      pointers[2]!,
      q!.length,
      127,
    );
    if (slot < 0) throw new Error(`rsaImportPrimes: ${slot}`);
  }
  if (x.dhImport !== undefined) {
    const g = core.put(Uint8Array.of(2));
    const secret = core.put(Uint8Array.of(0x12, 0x34), 64);
    const slot = x.dhImport(abi.DH_GROUP14, 0, 0, g, 1, secret, 2, 127, core.outPtr);
    if (slot < 0) throw new Error(`dhImport: ${slot}`);
  }
  core.refill();
}
