// Which non-replayable ids an issuer accepts ("MSL Non-replayable Messages"). `window`, our default: up to 65 536
// ahead of the newest, and ids behind it that were not seen, up to 64. `strict`: the reference's rule.

import { MAX_ID } from "../encoding/limits.ts";
import type { ReplayMode, ReplayVerdict } from "./issuer-state.ts";

/** Newest accepted id, and a bitmap of the 64 ids behind it: bit i of (low, high) stands for newest - 1 - i. */
export interface ReplayState {
  readonly newest: number;
  readonly low: number;
  readonly high: number;
}

/** State before any id: nothing behind 0 is acceptable. */
export const NO_REPLAY_STATE: ReplayState = { newest: 0, low: -1, high: -1 };

const AHEAD = 65536;
const BEHIND = 64;
const CATCH_UP = 6;

export interface ReplayDecision {
  readonly verdict: ReplayVerdict;
  /** State to keep; the old one unless the id is accepted. */
  readonly state: ReplayState;
}

export function judgeNonReplayableId(state: ReplayState, id: number, mode: ReplayMode): ReplayDecision {
  return mode === "strict" ? judgeStrict(state, id) : judgeWindow(state, id);
}

function judgeStrict(state: ReplayState, id: number): ReplayDecision {
  const { newest } = state;
  if (id <= newest && id > newest - CATCH_UP) return { verdict: "replayed", state };
  if (id - AHEAD > newest) return { verdict: "unrecoverable", state };
  if (id < newest && id >= newest - MAX_ID + AHEAD) return { verdict: "unrecoverable", state };
  return { verdict: "ok", state: { newest: id, low: -1, high: -1 } };
}

function judgeWindow(state: ReplayState, id: number): ReplayDecision {
  const { newest } = state;
  const ahead = distance(newest, id);
  if (ahead === 0) return { verdict: "replayed", state };
  if (ahead <= AHEAD) return { verdict: "ok", state: advance(state, id, ahead) };
  const behind = distance(id, newest);
  if (behind > BEHIND) return { verdict: "unrecoverable", state };
  const bit = behind - 1;
  const isHigh = bit >= 32;
  const mask = 1 << (bit & 31);
  if (((isHigh ? state.high : state.low) & mask) !== 0) return { verdict: "replayed", state };
  const seen = isHigh ? { low: state.low, high: state.high | mask } : { low: state.low | mask, high: state.high };
  return { verdict: "ok", state: { newest, ...seen } };
}

/** (to - from) mod (2^53 + 1), exact: every intermediate value stays within ±2^53. */
function distance(from: number, to: number): number {
  return to >= from ? to - from : MAX_ID - from + to + 1;
}

/** Moves the window ahead: the old newest becomes a seen id behind the new one. */
function advance(state: ReplayState, newest: number, by: number): ReplayState {
  if (by > BEHIND) return { newest, low: 0, high: 0 };
  let { low, high } = state;
  for (let i = 0; i < by; i++) {
    high = (high << 1) | (low >>> 31);
    low = (low << 1) | (i === 0 ? 1 : 0);
  }
  return { newest, low, high };
}
