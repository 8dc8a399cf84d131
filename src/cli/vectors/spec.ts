// What the runner knows about a vector file: its lists, what each vector needs of the build, and how one is checked.

import type { Core } from "../../core/core.ts";
import type { Awaitable } from "../../platform/awaitable.ts";
import type { Compression } from "../../encoding/compression.ts";
import type { Gzip } from "../../platform/gzip.ts";
import type { CryptoContext } from "../../crypto/crypto-context.ts";
import type { TokenCrypto } from "../../tokens/token-crypto.ts";
import type { WrapKeyStore } from "../../key-exchange/wrap-keys.ts";
import type { KeysFile } from "../keys-file.ts";
import type { Vector } from "./vector.ts";

/** Switches that reproduce the reference where our default rule is another. */
export interface Switches {
  readonly allowTruncated: boolean;
  readonly strictKeyRequests: boolean;
  readonly strictReplay: boolean;
  readonly inferHandshake: boolean;
}

/** The key file, with its contexts imported once. */
export interface BenchKeys {
  readonly file: KeysFile;
  readonly issuer: TokenCrypto;
  /** Of the second peer in a peer-to-peer network. */
  readonly peerIssuer: TokenCrypto | null;
  /** Pre-shared context of an identity. */
  readonly psk: (identity: string) => CryptoContext | null;
  /** Wrapping keys of the requester, by ladder. */
  readonly ladders: ReadonlyMap<string, WrapKeyStore>;
  /** Context of service tokens of a name; names without keys have those of the empty name. */
  readonly serviceToken: (name: string) => CryptoContext | null;
}

/** What all vectors of a run share, and the clock and common members of one file. */
export interface Bench {
  readonly core: Core;
  readonly gzip: Gzip;
  readonly compression: Compression;
  readonly keys: BenchKeys;
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
