// Timing of two things in turn: rounds of both, alternating which goes first, so that a busy machine slows both alike.
// A row's ratio is the median of the rounds' ratios; low and high are their 10th and 90th percentile.

import { cpus } from "node:os";

/** Value below which the share `q` of the list lies, between neighbours linear. */
export function quantile(list, q) {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export const median = (list) => quantile(list, 0.5);

const places = (x, digits) => Number(x.toPrecision(digits));

/** Speed of one call that took `ns`: MB/s where there is a size, else calls a second. */
export const speed = (ns, bytes) => (bytes > 0 ? (bytes * 1000) / ns : 1e9 / ns);

/**
 * The row of a pair. `messages`: how many of `bytes` bytes one call handles. `rounds` holds `{ ours, theirs }`: nanoseconds a call, one entry a round.
 * The ratio is our speed over theirs, so their time over ours.
 */
export function ratioRow({ op, bytes, output, peer, messages = 1, unit = bytes > 0 ? "MB/s" : "op/s" }, rounds) {
  if (rounds.length === 0) throw new Error("no rounds");
  const ratios = rounds.map(({ ours, theirs }) => theirs / ours);
  return {
    op,
    bytes,
    output,
    peer,
    ratio: places(median(ratios), 4),
    low: places(quantile(ratios, 0.1), 4),
    high: places(quantile(ratios, 0.9), 4),
    ours: places(speed(median(rounds.map((round) => round.ours)), bytes * messages), 4),
    theirs: places(speed(median(rounds.map((round) => round.theirs)), bytes * messages), 4),
    unit,
  };
}

/** Row of something that is measured alone, from speeds: `ratio` and `theirs` are null, low and high are speeds. */
export function aloneRow({ op, bytes, output, unit }, speeds) {
  const [ours, low, high] = [median(speeds), quantile(speeds, 0.1), quantile(speeds, 0.9)].map(Math.round);
  return { op, bytes, output, peer: null, ratio: null, low, high, ours, theirs: null, unit };
}

const wall = () => Number(process.hrtime.bigint());
/** CPU time of this process: stands still while others have the processor. */
export const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/**
 * Nanoseconds that `calls` calls take. A task has `run`, which with `isAsync` is awaited before the next call, or
 * `timed(calls)`, a program of its own that gives the CPU time it took.
 */
async function time({ run, timed, isAsync }, calls, clock) {
  if (timed !== undefined) return timed(calls);
  const start = clock();
  if (isAsync) for (let i = 0; i < calls; i++) await run();
  else for (let i = 0; i < calls; i++) run();
  return clock() - start;
}

/** Runs a task for about `ms`; gives the calls that fill `roundMs` at the speed of the last stretch. */
async function warm(task, ms, roundMs, clock) {
  let calls = 1;
  let spent = 0;
  let last = await time(task, 1, clock);
  while (spent < ms * 1e6 || last < 1e6) {
    last = await time(task, calls, clock);
    spent += last;
    if (last < 4e6) calls *= 2;
  }
  return Math.max(1, Math.round((roundMs * 1e6 * calls) / Math.max(last, 1)));
}

/** Calls that take longer than a round get fewer rounds, but so many at least. */
const FEWEST_ROUNDS = 9;

/**
 * Interleaved rounds of both tasks: `{ ours, theirs }` in nanoseconds a call. Many short rounds stand a busy machine
 * better than a few long ones, and where both sides are synchronous, CPU time counts: what others do then costs caches
 * only. A side that is asynchronous is measured by the clock on the wall, and so is the other.
 */
export async function interleave(ours, theirs, { warmMs, roundMs, rounds }) {
  const clock = ours.isAsync || theirs.isAsync ? wall : cpu;
  const calls = { ours: await warm(ours, warmMs, roundMs, clock), theirs: await warm(theirs, warmMs, roundMs, clock) };
  const tasks = { ours, theirs };
  const result = [];
  const until = performance.now() + 4 * roundMs * rounds;
  for (let i = 0; i < rounds && (i < FEWEST_ROUNDS || performance.now() < until); i++) {
    const round = {};
    for (const who of i % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"]) {
      round[who] = Math.max(await time(tasks[who], calls[who], clock), 1) / calls[who];
    }
    result.push(round);
  }
  return result;
}

export const machine = () => `${cpus()[0]?.model.trim()} x${cpus().length}`;

/** Value of `--name VALUE`, or null; throws if the value is missing. */
export function option(args, name) {
  const at = args.indexOf(name);
  if (at < 0) return null;
  const value = args[at + 1];
  if (value === undefined || value.startsWith("--")) throw new Error(`${name} needs a value`);
  return value;
}
