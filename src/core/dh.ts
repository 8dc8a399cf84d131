// Finite-field Diffie-Hellman of MSL: the groups of RFC 3526 and RFC 7919 by name, others by their numbers.

import { protocolError } from "../errors/msl-error.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle } from "./key-handle.ts";
import { DH_PRIVATE, SESSION_ENCRYPTION, SESSION_MAC } from "./key-specs.ts";
import { checked } from "./status.ts";

/** A built-in group, or a safe prime of 1025 to 4096 bits and a generator, unsigned big-endian. */
export type DhGroup = "group14" | "ffdhe2048" | "ffdhe3072" | { readonly p: Uint8Array; readonly g: Uint8Array };

const BUILT_IN = { group14: abi.DH_GROUP14, ffdhe2048: abi.DH_FFDHE2048, ffdhe3072: abi.DH_FFDHE3072 } as const;
const NO_BYTES = new Uint8Array(0);
const MOST = 512;

interface Placed {
  readonly id: number;
  readonly p: number;
  readonly pLen: number;
  readonly g: number;
  readonly gLen: number;
}

function place({ io }: Core, group: DhGroup): Placed {
  const isNamed = typeof group === "string";
  const p = isNamed ? NO_BYTES : group.p;
  const g = isNamed ? NO_BYTES : group.g;
  if (p.length > MOST || g.length > MOST) protocolError("INVALID_ALGORITHM_PARAMS", "parameters");
  const id = isNamed ? BUILT_IN[group] : abi.DH_CUSTOM;
  return { id, p: io.put(p), pLen: p.length, g: io.put(g, MOST), gLen: g.length };
}

function adopted({ io }: Core, slot: number): KeyHandle {
  if (slot === abi.ERR_KEY || slot === abi.ERR_ARGUMENT) protocolError("INVALID_ALGORITHM_PARAMS", "parameters");
  return io.adopt(slot, DH_PRIVATE);
}

function publicLength(group: DhGroup): number {
  if (typeof group === "string") return group === "ffdhe3072" ? 384 : 256;
  let first = 0;
  while (group.p[first] === 0) first++;
  return group.p.length - first;
}

/** A fresh private exponent and its public value, unsigned big-endian, as long as the prime. */
export function dhGenerate(core: Core, group: DhGroup): { readonly key: KeyHandle; readonly publicKey: Uint8Array } {
  const { io } = core;
  io.need("Diffie-Hellman", "dhGenerate");
  return io.run(() => {
    io.slots.makeBigRoom(1);
    io.needEntropy(512);
    const at = place(core, group);
    const slot = io.x.dhGenerate(at.id, at.p, at.pLen, at.g, at.gLen, DH_PRIVATE.usage, io.out);
    return { key: adopted(core, slot), publicKey: io.get(io.out, publicLength(group)) };
  });
}

/** A known private exponent, which is wiped, and its public value. @throws INVALID_ALGORITHM_PARAMS */
export function dhImport(
  core: Core,
  group: DhGroup,
  x: Uint8Array,
): { readonly key: KeyHandle; readonly publicKey: Uint8Array } {
  const { io } = core;
  io.need("Diffie-Hellman", "dhImport");
  try {
    if (x.length > MOST) protocolError("INVALID_PRIVATE_KEY");
    return io.run(() => {
      io.slots.makeBigRoom(1);
      const at = place(core, group);
      const ptr = io.put(x, 2 * MOST);
      const slot = io.x.dhImport(at.id, at.p, at.pLen, at.g, at.gLen, ptr, x.length, DH_PRIVATE.usage, io.out);
      return { key: adopted(core, slot), publicKey: io.get(io.out, publicLength(group)) };
    });
  } finally {
    x.fill(0);
  }
}

/** Session keys with a peer's public value. @throws KEYX_INVALID_PUBLIC_KEY for a value outside 2..p-2 */
export function dhAgreeSession(
  core: Core,
  key: KeyHandle,
  peer: Uint8Array,
): { readonly encryption: KeyHandle; readonly mac: KeyHandle } {
  if (peer.length > 2 * MOST) protocolError("KEYX_INVALID_PUBLIC_KEY", "publickey");
  const { io } = core;
  io.need("Diffie-Hellman", "dhAgreeSession");
  return io.run(() => {
    io.slots.makeRoom(2);
    const slot = io.slotOf(key);
    const { usage: enc } = SESSION_ENCRYPTION;
    const { usage: mac } = SESSION_MAC;
    checked(io.x.dhAgreeSession(slot, io.put(peer), peer.length, enc, mac, io.out));
    return {
      encryption: io.adopt(io.memory[io.out]!, SESSION_ENCRYPTION),
      mac: io.adopt(io.memory[io.out + 4]!, SESSION_MAC),
    };
  });
}
