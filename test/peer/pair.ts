// Two peers in one process, over a full-duplex connection or over exchanges, with everything that they send recorded.

import type { LocalEntity, MessageReport } from "../../src/control/api.ts";
import { createPeer } from "../../src/control/peer.ts";
import type { MslPeer, PeerConfig, PeerHandler, PeerRequest, PeerSession } from "../../src/control/peer-api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import type { Format } from "../../src/encoding/codec.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import type { ByteReader, ByteWriter, Connection, Transport } from "../../src/platform/transport.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { Pipe } from "../../src/transport/pipe.ts";
import { emailPassword, emailPasswordData } from "../../src/user-auth/email-password.ts";
import { testCore, wireOf } from "../variant.ts";

export const clock = {
  ms: 1_700_000_000_000,
  nowMs() {
    return this.ms;
  },
};

const keyBytes = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => (seed * 37 + i * 11) & 255);

export interface SideOptions {
  readonly scheme?: "PSK" | "NONE";
  readonly formats?: readonly Format[];
  readonly config?: Partial<PeerConfig>;
  readonly issuer?: Partial<IssuerConfig>;
  /** Seed of the token keys. */
  readonly seed?: number;
  readonly core?: Core;
  /** Key exchanges; default true. */
  readonly ecdh?: boolean;
  readonly symmetric?: boolean;
}

export interface Side {
  readonly core: Core;
  readonly peer: MslPeer;
  readonly reports: MessageReport[];
  readonly state: IssuerMemory;
}

export const user = (password = "secret") => ({
  id: "local-user",
  authenticate: ({ required }: { required: boolean }) => (required ? emailPasswordData("a@b.c", password) : null),
});

const identities = ["peer-a", "peer-b", "peer-c", "server", "device"];

export async function side(identity: string, options: SideOptions = {}): Promise<Side> {
  const core = options.core ?? (await testCore());
  const entries = identities.map((name, i) => ({
    identity: name,
    encryptionKey: keyBytes(i + 1, 16),
    macKey: keyBytes(i + 60, 32),
  }));
  const contextOf = memoryPskKeys(core, entries);
  const seed = options.seed ?? identities.indexOf(identity) + 90;
  const tokenCrypto = tokenKeys([
    slotContext(core, {
      keyId: `tokens-${seed}`,
      encryption: core.importKey(ENCRYPTION_KEY, keyBytes(seed, 16)),
      mac: core.importKey(MAC_KEY, keyBytes(seed + 20, 32)),
    }),
  ]);
  const state = new IssuerMemory();
  const reports: MessageReport[] = [];
  const isNone = options.scheme === "NONE";
  const schemes = { psk: psk({ contextOf }), none: none() };
  const entity: LocalEntity = isNone
    ? { scheme: schemes.none, data: () => noneData(identity) }
    : { scheme: schemes.psk, data: () => pskData(identity) };
  const peer = await createPeer({
    core,
    clock,
    timers: nodeTimers,
    gzip: nodeGzip,
    entity,
    entitySchemes: [schemes.psk, schemes.none],
    userSchemes: [
      emailPassword({ verify: (email, password) => (email === "a@b.c" && password === "secret" ? "user-1" : null) }),
    ],
    keyExchange: [
      ...(options.ecdh === false ? [] : [ecdh({ core })]),
      ...(options.symmetric === false ? [] : [symmetricWrapped({ core, pskContextOf: contextOf })]),
    ],
    tokenCrypto,
    issuer: createTokenIssuer({ core, crypto: tokenCrypto, state, clock, ...options.issuer }),
    ...wireOf(identity === "peer-a" || identity === "device" ? "device" : "server"),
    ...(options.formats !== undefined && {
      capabilities: { formats: options.formats },
      firstFormat: options.formats[0] ?? "JSON",
    }),
    onMessage: (report) => reports.push(report),
    ...options.config,
  });
  return { core, peer, reports, state };
}

/** Bytes of one direction, as they were written. */
export interface Recording {
  readonly pieces: Uint8Array[];
  /** Changes or drops a piece on its way. */
  tamper: ((piece: Uint8Array, n: number) => Uint8Array | null) | null;
}

export interface Duplex {
  readonly a: Connection;
  readonly b: Connection;
  readonly fromA: Recording;
  readonly fromB: Recording;
}

export function duplex(): Duplex {
  const aToB = new Pipe();
  const bToA = new Pipe();
  const fromA: Recording = { pieces: [], tamper: null };
  const fromB: Recording = { pieces: [], tamper: null };
  const abort = () => {
    aToB.fail("Aborted.");
    bToA.fail("Aborted.");
  };
  return {
    a: { reader: bToA, writer: recorded(aToB, fromA), abort },
    b: { reader: aToB, writer: recorded(bToA, fromB), abort },
    fromA,
    fromB,
  };
}

function recorded(pipe: Pipe, recording: Recording): ByteWriter {
  return {
    async write(bytes) {
      const piece = recording.tamper === null ? bytes : recording.tamper(bytes.slice(), recording.pieces.length);
      recording.pieces.push((piece ?? new Uint8Array(0)).slice());
      if (piece !== null) await pipe.write(piece);
    },
    end: () => pipe.end(),
  };
}

export const echo: PeerHandler = async (request) => ({ body: `ECHO:${await request.text()}` });

/** Serves `b`'s end in the background; failures are kept. */
export function serving(peer: MslPeer, connection: Connection, handler: PeerHandler = echo) {
  const errors: unknown[] = [];
  const done = peer.serve(connection, handler, { onError: (error) => errors.push(error) });
  return { errors, done };
}

export interface Pair {
  readonly a: Side;
  readonly b: Side;
  readonly wire: Duplex;
  readonly session: PeerSession;
  readonly served: ReturnType<typeof serving>;
}

export async function pair(
  a: SideOptions = {},
  b: SideOptions = {},
  handler: PeerHandler = echo,
  names: readonly [string, string] = ["peer-a", "peer-b"],
): Promise<Pair> {
  const one = await side(names[0], a);
  const two = await side(names[1], b);
  const wire = duplex();
  const session = one.peer.session(wire.a, { counterpart: names[1] });
  return { a: one, b: two, wire, session, served: serving(two.peer, wire.b, handler) };
}

/** Each message in an exchange of its own, as over HTTP. */
export function exchanges(peer: MslPeer, handler: PeerHandler = echo): Transport & { opened: number } {
  const transport = loopbackTransport((reader: ByteReader, writer: ByteWriter) => peer.answer(reader, writer, handler));
  return {
    opened: 0,
    open(options) {
      this.opened++;
      return transport.open(options);
    },
  };
}

/** Waits until the other side has done what it does on its own. */
export async function settled(check: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The next request that `session` receives. */
export async function nextRequest(session: PeerSession): Promise<PeerRequest> {
  const received = await session.receive();
  if (received.kind !== "request") throw new Error(`received ${received.kind}`);
  return received.request;
}
