// Runs programs of calls against a build and checks after every call: a status came back, and memory changed only where
// effects.ts says that this export may write.

import {
  ARENA_SIZE,
  BIG_SLOT_COUNT,
  ENTROPY_POOL_SIZE,
  KEY_AES,
  SLOT_COUNT,
  STAGE_SIZE,
} from "../../../src/core/abi.ts";
import type { RawCore } from "../raw/raw-core.ts";
import { EFFECTS, type Regions } from "./effects.ts";
import { readProgram, type Step } from "./program.ts";

const LOWEST_STATUS = -18;
const SLOT_SIZE = 624;
const BIG_SLOT_SIZE = 1328;

export interface Driver {
  readonly names: readonly string[];
  /**
   * Runs a program from a fresh set of keys; a description of what went wrong, or null. `seen` is told what each call
   * did: its name and status, alone and after the call before.
   */
  run(program: Uint8Array, seen?: (feature: string) => void): string | null;
}

/** Finds where slots lie: a marker key goes into the first one. */
function regionsOf(core: RawCore): Regions {
  const { x, inPtr, outPtr, memory } = core;
  const marker = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 ^ (i * 29));
  const slot = x.slotImport!(KEY_AES, 255, core.put(marker), 16);
  if (slot !== 0) throw new Error("The first slot is not free.");
  const at = Buffer.from(memory.buffer).indexOf(marker) - 16;
  x.slotClear!(0);
  const slots = SLOT_COUNT * SLOT_SIZE;
  return {
    inPtr,
    outPtr,
    entropy: [x.entropyPtr!(), ENTROPY_POOL_SIZE],
    slots: [at, slots],
    bigSlots: [at + slots, BIG_SLOT_COUNT * BIG_SLOT_SIZE],
    arena: outPtr + STAGE_SIZE - ARENA_SIZE,
  };
}

/** The ranges in which two images differ, as [start, end). */
export function differences(before: Uint8Array, after: Uint8Array): [number, number][] {
  const found: [number, number][] = [];
  const a = Buffer.from(before.buffer, before.byteOffset, before.length);
  const b = Buffer.from(after.buffer, after.byteOffset, after.length);
  for (let page = 0; page < a.length; page += 1024) {
    if (a.compare(b, page, page + 1024, page, page + 1024) === 0) continue;
    for (let i = page; i < page + 1024; i++) {
      if (a[i] === b[i]) continue;
      const last = found.at(-1);
      if (last !== undefined && last[1] === i) last[1] = i + 1;
      else found.push([i, i + 1]);
    }
  }
  return found;
}

const inside = (range: [number, number], areas: readonly (readonly [number, number])[]) => {
  // A range may span areas that touch.
  let at = range[0];
  for (let moved = true; moved && at < range[1]; ) {
    moved = false;
    for (const [start, size] of areas) {
      if (start <= at && at < start + size) {
        at = start + size;
        moved = true;
      }
    }
  }
  return at >= range[1];
};

/**
 * @param prepare  puts keys of every type into slots
 * @param order    the exports as programs refer to them; by default all of them, sorted
 */
export function createDriver(core: RawCore, prepare: () => void, order?: readonly string[]): Driver {
  const { x, memory, inPtr, outPtr } = core;
  // rsaGenerate is rsaGenerateBegin and all its steps in one call of a second: the steps stand for it here.
  const all = Object.keys(x)
    .filter((name) => typeof x[name] === "function" && name !== "rsaGenerate")
    .sort();
  const names = order ?? all;
  const at = regionsOf(core);
  const stages = [inPtr, 2 * STAGE_SIZE] as const;
  const before = new Uint8Array(memory.length);

  function step(call: Step & { kind: "call" }, saw: (what: string) => void): string | null {
    const { name, args } = call;
    const effect = EFFECTS[name];
    if (effect === undefined) return `${name} is not declared in effects.ts`;
    before.set(memory);
    const result = x[name]!(...args);
    if (!Number.isInteger(result) || result < LOWEST_STATUS) return `${name}(${args}) returned ${result}`;
    saw(`${name} ${result < 0 ? result : `2^${32 - Math.clz32(result)}`}`);
    const areas: (readonly [number, number])[] = [...effect.stage(args, result, at)];
    if (effect.slots) areas.push(at.slots, at.bigSlots);
    if (effect.entropy) areas.push(at.entropy);
    for (const range of differences(before, memory)) {
      const isStage = range[0] >= stages[0] && range[1] <= stages[0] + stages[1];
      if (!isStage && effect.state) continue;
      if (!inside(range, areas)) return `${name}(${args}) = ${result} changed ${range[0]}..${range[1]}`;
    }
    return null;
  }

  return {
    names,
    run(program, seen = () => {}) {
      let last = "";
      const saw = (what: string) => {
        seen(what);
        seen(`${last} > ${what}`);
        last = what;
      };
      core.refill();
      x.slotsClear!();
      prepare();
      // The stage begins as the program's own bytes over and over: any state that lies there is hostile too.
      for (let i = 0; i < 2 * STAGE_SIZE; i += Math.max(1, program.length)) {
        memory.set(program.subarray(0, 2 * STAGE_SIZE - i), inPtr + i);
      }
      const pointers = { inPtr, outPtr, end: inPtr + 2 * STAGE_SIZE };
      for (const each of readProgram(program, names, (name) => x[name]!.length, pointers)) {
        if (each.kind === "write") memory.set(each.bytes, inPtr + each.offset);
        else {
          const problem = step(each, saw);
          if (problem !== null) return problem;
        }
      }
      return null;
    },
  };
}
