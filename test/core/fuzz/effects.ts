// What each export of the core may change in linear memory. Everything else must be as it was before the call: that is
// at once the proof that nothing is written out of bounds and that scratch, stage and streams are wiped on return.

import { ENTROPY_POOL_SIZE, KEY_ID_MAX, STAGE_SIZE } from "../../../src/core/abi.ts";

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

export const POOL = ENTROPY_POOL_SIZE;
export const KEY_ID = KEY_ID_MAX;
