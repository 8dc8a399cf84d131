// Programs of calls for the fuzzer: bytes → steps. A program is a list of steps, each either bytes for the stage or a
// call with arguments that are small numbers, slots, lengths, pointers near the stages, or anything at all.
// The native fuzzer (test/core/native/fuzz.c) reads the same form.

export type Step =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly number[] };

export interface Pointers {
  readonly inPtr: number;
  readonly outPtr: number;
  readonly end: number;
}

/** Three bytes to an argument: a kind and a 16-bit value. */
function argument(kind: number, value: number, at: Pointers): number {
  switch (kind & 7) {
    case 0:
      return (value << 16) >> 16;
    case 1:
      return at.inPtr + value;
    case 2:
      return at.outPtr + value;
    case 3:
      return value % 40;
    case 4:
      return value & 1023;
    case 5:
      return (value * 0x10001) | 0;
    case 6:
      return at.end - (value & 63);
    default:
      return [16, 32, 64, 128, 255, 256, 2048, at.inPtr][value & 7]!;
  }
}

/** Reads a program; `names` are the exports in the order that the bytes refer to. Any bytes are a program. */
export function readProgram(
  bytes: Uint8Array,
  names: readonly string[],
  arity: (name: string) => number,
  at: Pointers,
): Step[] {
  const steps: Step[] = [];
  let i = 0;
  const next = () => bytes[i++] ?? 0;
  while (i < bytes.length && steps.length < 64) {
    const head = next();
    if ((head & 7) === 0) {
      const offset = (next() | (next() << 8)) % (at.end - at.inPtr);
      const length = next();
      const room = Math.min(length, at.end - at.inPtr - offset);
      steps.push({ kind: "write", offset, bytes: Uint8Array.from({ length: room }, next) });
      continue;
    }
    const name = names[next() % names.length]!;
    const args = Array.from({ length: arity(name) }, () => argument(next(), next() | (next() << 8), at));
    steps.push({ kind: "call", name, args });
  }
  return steps;
}
