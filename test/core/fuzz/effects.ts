// What each export of the core may change in linear memory. Everything else must be as it was before the call: that is
// at once the proof that nothing is written out of bounds and that scratch, stage and streams are wiped on return.

import { ARENA_SIZE, STAGE_SIZE } from "../../../src/core/abi.ts";

/** Regions of one instance: slots and pool by address and size. */
export interface Regions {
  readonly inPtr: number;
  readonly outPtr: number;
  readonly entropy: readonly [number, number];
  readonly slots: readonly [number, number];
  readonly bigSlots: readonly [number, number];
  /** First byte of the arena of big numbers; it ends with `stage out`. */
  readonly arena: number;
}

export type Area = readonly [ptr: number, length: number];

export interface Effect {
  /** Parts of the stages that the call may change; `result` is what it returned. */
  readonly stage: (args: readonly number[], result: number, at: Regions) => readonly Area[];
  /** May fill, change or clear slots. */
  readonly slots?: boolean;
  /** May take random bytes (and wipes them in the pool). */
  readonly entropy?: boolean;
  /** Keeps or drops state of its own between calls: areas outside the stages that are zero again at its end. */
  readonly state?: boolean;
}

const nothing = () => [];
const both = (_args: readonly number[], _result: number, at: Regions): Area[] => [[at.inPtr, 2 * STAGE_SIZE]];
const out =
  (index: number, length: (args: readonly number[], result: number) => number) =>
  (args: readonly number[], result: number): Area[] => {
    const size = length(args, result);
    return size > 0 ? [[args[index]!, size]] : [];
  };
/** `result` bytes at the pointer that stands at `index`. */
const result = (index: number) => out(index, (_args, n) => n);
const fixed = (index: number, size: number) => out(index, (_args, n) => (n >= 0 ? size : 0));
/** A result of up to `size` bytes at the pointer that stands at `index`, and the arena. */
const arena =
  (index: number, size: number) =>
  (args: readonly number[], n: number, at: Regions): Area[] => {
    const used: Area[] = [[at.arena, ARENA_SIZE]];
    return index < 0 || n < 0 ? used : [...used, [args[index]!, size]];
  };
const padded = (length: number) => (length & ~15) + 16;

export const EFFECTS: Record<string, Effect> = {
  // Keys
  slotImport: { stage: (a) => [[a[2]!, a[3]!]], slots: true },
  slotImportBase64: { stage: (a) => [[a[2]!, a[3]!]], slots: true },
  slotGenerate: { stage: nothing, slots: true, entropy: true },
  slotClear: { stage: nothing, slots: true },
  slotsClear: { stage: nothing, slots: true, state: true },
  slotExport: { stage: result(1) },
  slotEvict: { stage: result(1), slots: true, entropy: true, state: true },
  slotRestore: { stage: nothing, slots: true },
  slotLength: { stage: nothing },
  slotType: { stage: nothing },
  freeSlots: { stage: nothing },
  entropyFill: { stage: nothing },
  entropyLeft: { stage: nothing },
  entropyPtr: { stage: nothing },
  stageInPtr: { stage: nothing },
  stageOutPtr: { stage: nothing },
  resultPtr: { stage: nothing },
  stageWipe: { stage: both },

  // AES
  aesCbcEncrypt: {
    stage: (a, n) =>
      n < 0
        ? []
        : [
            [a[1]!, 16],
            [a[4]!, padded(a[3]!)],
          ],
  },
  // A refused padding leaves the place of the plaintext wiped.
  aesCbcDecrypt: {
    stage: (a) => [
      [a[1]!, 16],
      [a[4]!, a[3]!],
    ],
  },
  aesCbcEncryptBlocks: {
    stage: (a, n) =>
      n < 0
        ? []
        : [
            [a[1]!, 16],
            [a[4]!, a[3]!],
          ],
  },
  aesCbcDecryptBlocks: {
    stage: (a, n) =>
      n < 0
        ? []
        : [
            [a[1]!, 16],
            [a[4]!, a[3]!],
          ],
  },
  aesWrapBytes: { stage: result(3) },
  aesUnwrapBytes: { stage: out(3, (a) => a[2]! - 8) },
  aesWrapSlot: { stage: result(2) },
  aesUnwrapSlot: { stage: nothing, slots: true },

  // Hashes and MACs
  sha256Digest: { stage: result(2) },
  sha256Begin: { stage: nothing, state: true },
  sha256Feed: { stage: nothing, state: true },
  sha256End: { stage: result(0), state: true },
  hmacSha256Sign: { stage: result(3) },
  hmacSha256Verify: { stage: nothing },
  hmacSha256Begin: { stage: nothing, state: true },
  hmacSha256Update: { stage: nothing, state: true },
  hmacSha256End: { stage: result(0), state: true },
  hmacSha256EndVerify: { stage: nothing, state: true },
  hkdfSha256: { stage: result(5) },
  hkdfSha256Session: { stage: fixed(7, 8), slots: true },
  deriveWrapSlot: { stage: nothing, slots: true },

  // Curves
  x25519Generate: { stage: fixed(1, 32), slots: true, entropy: true },
  x25519PublicKey: { stage: result(1) },
  x25519Agree: { stage: nothing, slots: true },

  p256Import: { stage: (a) => [[a[1]!, 32]], slots: true },
  p256Generate: { stage: fixed(1, 65), slots: true, entropy: true, state: true },
  p256PublicKey: { stage: result(1), state: true },
  p256Agree: { stage: nothing, slots: true },
  ecdsaP256Sign: { stage: result(2), state: true },
  ecdsaP256SignDer: { stage: result(2), state: true },
  ecdsaP256Verify: { stage: nothing, state: true },

  // Modes of JSON Web Encryption, CMAC, Base64
  aesGcmSeal: { stage: result(6) },
  aesGcmOpen: { stage: result(6) },
  cmacSign: { stage: result(3) },
  cmacVerify: { stage: nothing },
  cmacBegin: { stage: nothing, state: true },
  cmacUpdate: { stage: nothing, state: true },
  cmacEnd: { stage: result(0), state: true },
  cmacEndVerify: { stage: nothing, state: true },
  base64Encode: { stage: result(2) },
  base64UrlEncode: { stage: result(2) },
  // Room for whole groups; zeros where the text is refused.
  base64Decode: { stage: out(2, (a) => ((a[1]! + 3) >> 2) * 3) },
  base64UrlDecode: { stage: out(2, (a) => ((a[1]! + 3) >> 2) * 3) },

  // Sealing of whole messages
  sealCbcHmac: { stage: result(5) },
  openCbcHmac: { stage: out(4, (a) => a[3]! - 48) },
  seal4CbcHmac: { stage: out(5, (_a, n) => 4 * n) },
  sealStreamBegin: { stage: nothing, state: true },
  sealStreamBlocks: { stage: result(2), state: true },
  sealStreamEnd: { stage: result(2), state: true },
  sealStreamDrop: { stage: nothing, state: true },

  // Longer hashes
  sha1Digest: { stage: result(2) },
  sha384Digest: { stage: result(2) },
  sha512Digest: { stage: result(2) },
  ...Object.fromEntries(
    ["sha384", "sha512"].flatMap((name) => [
      [`${name}Begin`, { stage: nothing, state: true }],
      [`${name}Feed`, { stage: nothing, state: true }],
      [`${name}End`, { stage: result(0), state: true }],
    ]),
  ),
  ...Object.fromEntries(
    ["hmacSha384", "hmacSha512"].flatMap((name) => [
      // The state of a key is computed at its first use, in its slot.
      [`${name}Sign`, { stage: result(3), slots: true }],
      [`${name}Verify`, { stage: nothing, slots: true }],
      [`${name}Begin`, { stage: nothing, slots: true, state: true }],
      [`${name}Update`, { stage: nothing, state: true }],
      [`${name}End`, { stage: result(0), state: true }],
      [`${name}EndVerify`, { stage: nothing, state: true }],
    ]),
  ),
  drbgInstantiate: { stage: nothing, entropy: true, state: true },
  drbgGenerate: { stage: out(0, (a, n) => (n < 0 ? 0 : a[1]!)), state: true },
  drbgUninstantiate: { stage: nothing, state: true },

  // Big numbers work in the arena, which is clear again afterwards: whatever lay there is gone.
  dhGenerate: { stage: arena(6, 512), slots: true, entropy: true },
  dhImport: { stage: (a, n, at) => [...arena(8, 512)(a, n, at), [a[5]!, a[6]!]], slots: true },
  dhAgreeSession: { stage: arena(5, 8), slots: true },
  rsaImport: { stage: (a, n, at) => [...arena(-1, 0)(a, n, at), [a[3]!, a[4]!]], slots: true },
  rsaImportPrimes: {
    stage: (a, n, at) => [...arena(-1, 0)(a, n, at), [a[3]!, a[4]!], [a[5]!, a[6]!]],
    slots: true,
  },
  rsaPublicKey: { stage: arena(1, 516) },
  rsaOaepEncrypt: { stage: arena(6, 512), entropy: true },
  rsaOaepDecrypt: { stage: arena(4, 512) },
  rsaOaepSealSlot: { stage: arena(5, 512), entropy: true },
  rsaOaepOpenSlot: { stage: arena(-1, 0), slots: true },
  rsaPkcs1Encrypt: { stage: arena(5, 512), entropy: true },
  rsaPkcs1Decrypt: { stage: arena(3, 512) },
  rsaPkcs1SealSlot: { stage: arena(4, 512), entropy: true },
  rsaPkcs1OpenSlot: { stage: arena(-1, 0), slots: true },
  rsaPkcs1Sign: { stage: arena(2, 512) },
  rsaPkcs1Verify: { stage: arena(-1, 0) },
  rsaGenerate: { stage: arena(-1, 0), slots: true, entropy: true, state: true },
  rsaGenerateBegin: { stage: arena(-1, 0), slots: true, state: true },
  rsaGenerateStep: { stage: arena(-1, 0), slots: true, entropy: true, state: true },

  // Framing works in both stages: what it leaves there is the subject of wiping.test.ts.
  pairSeal: { stage: both, entropy: true, state: true },
  pairOpen: { stage: both, state: true },
  chunkSeal: { stage: both, entropy: true, state: true },
  chunkOpen: { stage: both, state: true },
  chunkFlags: { stage: nothing },
  chunkSeqHi: { stage: nothing },
  chunkSeqLo: { stage: nothing },
  chunkMidHi: { stage: nothing },
  chunkMidLo: { stage: nothing },
  scanFeed: { stage: (_a, _n, at) => [[at.outPtr, 192]] },
};
