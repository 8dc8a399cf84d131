// What a peer keeps of its counterparts: the network that a state belongs to, sessions in hardware, what was forgotten
// while a message was under way; and what it compresses with for whom.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PeerConfig, PeerHandler, PeerSession } from "../../src/control/peer-api.ts";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { opaqueContext, restoreWrappedSession } from "../../src/crypto/opaque-context.ts";
import type { CompressionAlgorithm } from "../../src/encoding/compression.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { KeyHolder } from "../scenario/key-holder.ts";
import { duplex, echo, exchanges, nextRequest, pair, side, user } from "./pair.ts";

const FORMATS = ["JSON", "CBOR"] as const;

test("the state of each counterpart names its network, and that of another one is refused", async () => {
  const place: MemoryPlace = { snapshot: null };
  const b = await side("peer-b");
  const ask = async (network: string | null) => {
    const config = { network, storage: () => memoryStorage(place) };
    const a = await side("peer-a", { config });
    const session = a.peer.session(exchanges(b.peer), { counterpart: "peer-b" });
    try {
      return await (await session.request({ body: "x" })).text();
    } finally {
      await a.peer.close();
    }
  };
  expect(await ask("red")).toBe("ECHO:x");
  expect(await ask("red")).toBe("ECHO:x");
  await expect(ask("blue")).rejects.toMatchObject({ name: "MslLocalError", code: "STORE_MISMATCH" });
  expect(await ask(null)).toBe("ECHO:x");
});

describe.each(FORMATS)("sessions in hardware, %s", (firstFormat) => {
  let holder: KeyHolder;
  beforeEach(() => {
    holder = new KeyHolder();
  });
  afterEach(() => holder.stop());

  /** Both peers are known by keys of the holder alone. */
  async function hardware(core: Core) {
    const numbers = [(await holder.ask("preShared")) as number, (await holder.ask("preShared")) as number];
    const keysOf = (i: number) => holder.operations(numbers[i]!, true);
    const contexts = ["peer-h", "peer-b"].map((keyId, i) => opaqueContext(core, { keyId, keys: keysOf(i) }));
    const lookup = (identity: string) => contexts[["peer-h", "peer-b"].indexOf(identity)] ?? null;
    const scheme = psk({ contextOf: lookup });
    return (identity: string): Partial<PeerConfig> => ({
      firstFormat,
      entity: { scheme, data: () => pskData(identity) },
      entitySchemes: [scheme],
      keyExchange: [symmetricWrapped({ core, pskContextOf: lookup })],
      ...(identity === "peer-h" && { restoreSession: restoreWrappedSession(core, keysOf(0)) }),
    });
  }

  test("the counterpart's session stays with its holder, also over a restart", async () => {
    const core = await loadCore();
    const configOf = await hardware(core);
    const place: MemoryPlace = { snapshot: null };
    const b = await side("peer-b", { core, config: configOf("peer-b") });
    const start = async (overrides: Partial<PeerConfig> = {}) => {
      const config = { ...configOf("peer-h"), storage: () => memoryStorage(place), ...overrides };
      const made = await side("peer-a", { core, config });
      return { ...made, session: made.peer.session(exchanges(b.peer), { counterpart: "peer-b" }) };
    };
    const first = await start();
    expect(await (await first.session.request({ body: "one" })).text()).toBe("ECHO:one");
    expect(await (await first.session.request({ body: "two" })).text()).toBe("ECHO:two");
    const token = first.session.masterToken;
    expect(first.reports.filter((r) => r.direction === "out").at(-1)?.serialNumber).toBe(token?.serialNumber);
    expect(holder.asked).not.toContain("unwrap");
    const unwrapped = holder.asked.filter((operation) => operation === "unwrapSession").length;
    await first.peer.close();

    const again = await start();
    expect(await (await again.session.request({ body: "three" })).text()).toBe("ECHO:three");
    expect(again.reports[0]).toMatchObject({ direction: "out", entityScheme: null, ...token });
    expect(holder.asked.filter((operation) => operation === "unwrapSession")).toHaveLength(unwrapped + 1);
    await again.peer.close();
    const keys = await holder.reveal();
    for (const key of keys) expect(Buffer.from(place.snapshot!).includes(Buffer.from(key))).toBe(false);

    const without = await start({ restoreSession: null });
    await expect(without.session.request({ body: "x" })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe.each(FORMATS)("what is forgotten while a message is under way, %s", (format) => {
  const own = { formats: [format] } as const;
  const session = async (during: (session: PeerSession) => Promise<void>) => {
    let asked = 0;
    const handler: PeerHandler = async (request) => {
      if (asked++ === 0) await during(made.session);
      return echo(request);
    };
    const made = await pair(own, own, handler);
    expect(await (await made.session.request({ body: "1", user: user() })).text()).toBe("ECHO:1");
    return made.session;
  };
  const state = (of: PeerSession) => [of.masterToken !== null, of.hasUser("local-user")];

  test("a user that was forgotten, a session that was cleared: the reply does not bring them back", async () => {
    expect(state(await session(async () => {}))).toEqual([true, true]);
    expect(state(await session((during) => during.forgetUser("somebody")))).toEqual([true, true]);
    const withoutUser = await session((during) => during.forgetUser("local-user"));
    expect(state(withoutUser)).toEqual([true, false]);
    const cleared = await session((during) => during.clear());
    expect(state(cleared)).toEqual([false, false]);
    for (const again of [withoutUser, cleared]) {
      expect(await (await again.request({ body: "2", user: user() })).text()).toBe("ECHO:2");
      expect(state(again)).toEqual([true, true]);
      await again.forgetUser("local-user");
      expect(state(again)).toEqual([true, false]);
      await again.clear();
      expect(state(again)).toEqual([false, false]);
    }
  });

  test.each(["nothing", "user", "all"] as const)("on the side that answers too: %s", async (what) => {
    const a = await side("peer-a", own);
    const b = await side("peer-b", own);
    const wire = duplex();
    const asking = a.peer.session(wire.a);
    const answering = b.peer.session(wire.b);
    const reply = asking.request({ body: "1" });
    const request = await nextRequest(answering);
    let left = 0;
    wire.fromA.tamper = (piece) => {
      // The answer went out: what comes now brings the tokens that it asked for.
      if (left++ === 0 && what === "user") void answering.forgetUser("local-user");
      else if (left === 1 && what === "all") void answering.clear();
      return piece;
    };
    const responding = request.respond({ body: "2", localUser: user() });
    expect(await (await reply).text()).toBe("2");
    await responding;
    expect(left).toBeGreaterThan(0);
    expect(state(answering)).toEqual([what !== "all", what === "nothing"]);
  });
});

describe("compression follows what both peers can", () => {
  const body = "all work and no play ".repeat(200);

  async function run(of: readonly CompressionAlgorithm[], to: readonly CompressionAlgorithm[]) {
    const used: string[] = [];
    const gzip = (name: string) => ({
      ...nodeGzip,
      compress: (data: Uint8Array) => {
        used.push(name);
        return nodeGzip.compress(data);
      },
    });
    const a = { config: { gzip: gzip("a"), capabilities: { compression: of } } };
    const b = { config: { gzip: gzip("b"), capabilities: { compression: to } } };
    const made = await pair(a, b);
    const reply = await made.session.request({ body, compress: false });
    expect(await reply.text()).toBe(`ECHO:${body}`);
    const size = (pieces: readonly Uint8Array[]) => pieces.reduce((n, piece) => n + piece.length, 0);
    const answer = made.b.reports.find((r) => r.direction === "out")!.bytes;
    expect(size(made.wire.fromA.pieces)).toBeGreaterThan(body.length);
    return { isSmall: answer < body.length, used };
  }

  test.each([
    [["GZIP", "LZW"], ["GZIP", "LZW"], "GZIP"],
    [["GZIP", "LZW"], ["LZW"], "LZW"],
    [["LZW"], ["GZIP", "LZW"], "LZW"],
    [["GZIP"], ["LZW"], null],
    [[], ["GZIP", "LZW"], null],
  ] as const)("%j asks %j: answered with %s", async (of, to, algorithm) => {
    const { isSmall, used } = await run(of, to);
    expect(isSmall).toBe(algorithm !== null);
    expect(used).toEqual(algorithm === "GZIP" ? ["b"] : []);
  });

  test("a request is compressed with what its sender has", async () => {
    for (const compression of [["GZIP"], ["LZW"], []] as const) {
      const own = { config: { capabilities: { compression } } };
      const { session, a } = await pair(own, own);
      expect(await (await session.request({ body })).text()).toBe(`ECHO:${body}`);
      expect(a.reports[0]!.bytes < body.length).toBe(compression.length > 0);
    }
  });
});
