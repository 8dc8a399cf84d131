// What the runner knows about a vector file: its lists, what each vector needs of the build, and how one is checked.

import type { Core } from "../../core/core.ts";
import type { Awaitable } from "../../platform/awaitable.ts";
import type { Gzip } from "../../platform/gzip.ts";
import type { KeyFile } from "./key-file.ts";
import type { Vector } from "./vector.ts";

/** Switches that reproduce the reference where our default rule is another. */
export interface Switches {
  readonly allowTruncated: boolean;
  readonly strictKeyRequests: boolean;
  readonly strictReplay: boolean;
  readonly inferHandshake: boolean;
}

/** What all vectors of a run share, and the clock and common members of one file. */
export interface Bench {
  readonly core: Core;
  readonly gzip: Gzip;
  readonly keys: KeyFile;
  readonly switches: Switches;
  /** Members of the file outside its lists. */
  readonly common: Readonly<Record<string, unknown>>;
  /** Clears keys and contexts when the vector is done. */
  own<T extends { dispose(): void }>(resource: T): T;
}

export interface ListSpec {
  /** Names of the schemes and algorithms without which the vector means nothing to a build. */
  readonly needs?: (vector: Vector, bench: Bench) => Awaitable<readonly string[]>;
  readonly run: (vector: Vector, bench: Bench) => Awaitable<void>;
}

export interface FileSpec {
  readonly file: string;
  /** Members that are no lists. */
  readonly members: readonly string[];
  /** By name; `a.b` is the list `b` inside the member `a`. */
  readonly lists: Readonly<Record<string, ListSpec>>;
}
