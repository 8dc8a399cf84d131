// The fuzzer's search: programs that make an export do something not seen before (a status, or a status after another
// call's) join the pool, and new programs are made by changing and joining those of the pool.

export interface Random {
  /** Uniform in 0..n-1. */
  below(n: number): number;
}

/** A small generator, so that a run can be repeated by its seed: xorshift32. */
export function seeded(seed: number): Random {
  let x = seed | 1;
  return {
    below(n) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      return (x >>> 0) % n;
    },
  };
}

export function mutate(program: Uint8Array, pool: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = [...program];
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 2:
        bytes.splice(at, 0, ...Array.from({ length: 1 + random.below(12) }, () => random.below(256)));
        break;
      case 3:
        bytes.splice(at, 1 + random.below(12));
        break;
      case 4: {
        const other = pool[random.below(pool.length)]!;
        const from = random.below(other.length + 1);
        bytes.splice(at, random.below(40), ...other.subarray(from, from + random.below(60)));
        break;
      }
      default: {
        const from = random.below(bytes.length + 1);
        bytes = [...bytes, ...bytes.slice(from, from + 40)];
      }
    }
  }
  return Uint8Array.from(bytes.slice(0, 512));
}

export interface Pool {
  readonly programs: Uint8Array[];
  readonly features: Set<string>;
}

/**
 * Runs until `isOver`. @returns the first problem with its program, or null
 */
export function evolve(
  pool: Pool,
  run: (program: Uint8Array, seen: (feature: string) => void) => string | null,
  random: Random,
  isOver: () => boolean,
): { problem: string; program: Uint8Array } | null {
  while (!isOver()) {
    const fresh = pool.programs.length === 0 || random.below(20) === 0;
    const program = fresh
      ? Uint8Array.from({ length: 8 + random.below(120) }, () => random.below(256))
      : mutate(pool.programs[random.below(pool.programs.length)]!, pool.programs, random);
    let isNew = false;
    const problem = run(program, (feature) => {
      if (pool.features.has(feature)) return;
      pool.features.add(feature);
      isNew = true;
    });
    if (problem !== null) return { problem, program };
    if (isNew) pool.programs.push(program);
  }
  return null;
}

/** How many programs of the kept corpus show each thing that an export did. */
const TIMES = 3;

/** The shortest programs that together show everything an export alone did, each a few times. */
export function smallest(
  programs: readonly Uint8Array[],
  run: (program: Uint8Array, seen: (feature: string) => void) => unknown,
): Uint8Array[] {
  const times = new Map<string, number>();
  return [...programs]
    .sort((a, b) => a.length - b.length)
    .filter((program) => {
      const features = new Set<string>();
      run(program, (feature) => {
        if (!feature.includes(" > ")) features.add(feature);
      });
      let isNeeded = false;
      for (const feature of features) {
        const count = times.get(feature) ?? 0;
        if (count < TIMES) isNeeded = true;
      }
      if (isNeeded) for (const feature of features) times.set(feature, (times.get(feature) ?? 0) + 1);
      return isNeeded;
    });
}
