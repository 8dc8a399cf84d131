// Configuration shared by client and server, with its defaults filled in.

import type { Core } from "../core/core.ts";
import { type Compression, type CompressionAlgorithm, COMPRESSION_ALGORITHMS } from "../encoding/compression.ts";
import type { Format } from "../encoding/codec.ts";
import { MslUsageError } from "../errors/msl-error.ts";
import type { Capabilities, CapabilitiesConfig } from "../message/capabilities.ts";
import type { InputLimits } from "../message/message-input.ts";
import type { Gzip } from "../platform/gzip.ts";
import type { KeyExchange } from "../key-exchange/scheme.ts";
import type { ReadLimits } from "./api.ts";

/** Largest header or chunk, unless configured: 10 MiB. */
export const MAX_OBJECT_BYTES = 10 * 1024 * 1024;
/** Largest message, unless configured: 64 MiB. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** A reply that nobody reads is given up after this time, unless configured: one minute. */
export const UNREAD_MS = 60_000;

/** One-shot bodies are kept for resending up to this size, unless configured: 1 MiB. */
export const RESEND_BYTES = 1024 * 1024;

export function inputLimits(limits: ReadLimits): InputLimits {
  const { maxObjectBytes = MAX_OBJECT_BYTES, maxMessageBytes = MAX_MESSAGE_BYTES } = limits;
  return { maxObjectBytes, maxMessageBytes };
}

/** How to inflate: a piece is bounded, beside the ratio, by what a whole message may hold. */
export function compressionOf(gzip: Gzip | null, limits: InputLimits): Compression {
  return { gzip, maxBytes: limits.maxMessageBytes ?? MAX_MESSAGE_BYTES };
}

export function ownCapabilities(
  config: CapabilitiesConfig | undefined,
  gzip: Gzip | null,
  keyExchange: readonly KeyExchange[],
): Capabilities {
  return {
    compression: COMPRESSION_ALGORITHMS.filter((name) => isOffered(name, config, gzip)),
    languages: config?.languages ?? ["en"],
    formats: config?.formats ?? DEFAULT_FORMATS,
    keyxSchemes: keyExchange.filter((scheme) => scheme.needsAdvertisement).map((scheme) => scheme.name),
  };
}

function isOffered(name: CompressionAlgorithm, config: CapabilitiesConfig | undefined, gzip: Gzip | null): boolean {
  return (name !== "GZIP" || gzip !== null) && (config?.compression ?? COMPRESSION_ALGORITHMS).includes(name);
}

const DEFAULT_FORMATS: readonly Format[] = ["CBOR", "JSON"];

export function schemeTable<T extends { readonly name: string }>(schemes: readonly T[]): ReadonlyMap<string, T> {
  const table = new Map<string, T>();
  for (const scheme of schemes) {
    if (table.has(scheme.name)) throw new MslUsageError(`The scheme ${scheme.name} is listed twice.`);
    table.set(scheme.name, scheme);
  }
  return table;
}

/** Ids drawn at a time: asking the platform costs more than the bytes do. */
const IDS = 64;
const drawn = new WeakMap<Core, { readonly words: DataView; left: number }>();

/** A message id: the low 53 of 64 random bits. */
export function randomId(core: Core): number {
  let ids = drawn.get(core);
  if (ids === undefined || ids.left === 0) {
    const { buffer, byteOffset, byteLength } = core.random(8 * IDS);
    ids = { words: new DataView(buffer, byteOffset, byteLength), left: IDS };
    drawn.set(core, ids);
  }
  const at = --ids.left * 8;
  return (ids.words.getUint32(at) % 0x200000) * 0x100000000 + ids.words.getUint32(at + 4);
}
