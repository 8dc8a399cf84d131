// Known answers of a freshly started core, asked through its raw exports: SHA-256 of "abc" (FIPS 180-2, B.1), AES-128-CBC
// (SP 800-38A, F.2.1, first block) and an X25519 public key (RFC 7748 §6.1). They reach 32-bit and 64-bit arithmetic,
// vectors, shuffles and data segments: what an engine may get wrong although it instantiates.

import { KEY_AES, KEY_X25519, USE_DERIVE, USE_ENCRYPT } from "./abi.ts";
import type { CoreExports } from "./exports.ts";

const ABC = "616263";
const ABC_DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const AES_KEY = "2b7e151628aed2a6abf7158809cf4f3c";
const AES_IV = "000102030405060708090a0b0c0d0e0f";
const AES_PLAIN = "6bc1bee22e409f96e93d7e117393172a";
const AES_CIPHER = "7649abac8119b246cee98e9b12e9197d";
const ALICE_PRIVATE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

/** Name of the first wrong answer, or null. Keys and stages are cleared. @throws whatever the engine throws */
export function selfTest(core: CoreExports): string | null {
  const memory = new Uint8Array(core.memory.buffer);
  const input = core.stageInPtr();
  const output = core.stageOutPtr();
  const put = (hex: string, offset = 0): number => {
    for (let i = 0; i < hex.length; i += 2) memory[input + offset + i / 2] = Number.parseInt(hex.slice(i, i + 2), 16);
    return input + offset;
  };
  const isAnswer = (hex: string): boolean => {
    for (let i = 0; i < hex.length; i += 2) {
      if (memory[output + i / 2] !== Number.parseInt(hex.slice(i, i + 2), 16)) return false;
    }
    return true;
  };
  core.sha256Digest(put(ABC), 3, output);
  if (!isAnswer(ABC_DIGEST)) return "SHA-256";
  const aes = core.slotImport(KEY_AES, USE_ENCRYPT, put(AES_KEY), 16);
  core.aesCbcEncrypt(aes, put(AES_IV), put(AES_PLAIN, 16), 16, output);
  if (!isAnswer(AES_CIPHER)) return "AES";
  const key = core.slotImport(KEY_X25519, USE_DERIVE, put(ALICE_PRIVATE), 32);
  core.x25519PublicKey(key, output);
  if (!isAnswer(ALICE_PUBLIC)) return "X25519";
  core.slotsClear();
  core.stageWipe(32, 32);
  return null;
}
