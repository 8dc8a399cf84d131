// Whom a peer offers ECDH: each counterpart for itself, as it is known to have it, says so, or takes it when tried.

import { expect, test } from "vitest";
import type { KeyExchangeSupport } from "../../src/control/api.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { noneData } from "../../src/entity-auth/none.ts";
import { writeErrorMessage } from "../../src/message/error-header.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { clock, duplex, exchanges, pair, type Side, type SideOptions, serving, settled, side } from "./pair.ts";

const BOTH = ["ECDH", "SYMMETRIC_WRAPPED"];
const LEAST = ["SYMMETRIC_WRAPPED"];
const issuer = { masterTokenLife: { renewSec: 100, expireSec: 1000 } };
const STRICT: SideOptions = { issuer, ecdh: false, config: { strictKeyRequests: true } };

/** What the messages of a side offered that renew. */
const offers = (from: Side) =>
  from.reports.filter((r) => r.direction === "in" && r.kind !== "error" && r.renewable).map((r) => r.keyx);

test("known, the default: what is listed is offered, and refused where it is not known", async () => {
  const { session, b } = await pair({}, STRICT);
  await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
  expect(b.reports.filter((r) => r.direction === "out")).toHaveLength(1);
});

test("advertised: each side offers ECDH as soon as the other one spoke", async () => {
  const own: SideOptions = { issuer, config: { keyExchangeSupport: "advertised" } };
  const { session, a, b, served } = await pair(own, own);
  expect(await (await session.request({ body: "1" })).text()).toBe("ECHO:1");
  await settled(() => b.reports.filter((r) => r.direction === "in").length > 1);
  expect(offers(b)[0]).toEqual(LEAST);
  // The request said that its sender has it: the answer's own key requests have it already.
  expect(a.reports.find((r) => r.direction === "out" && r.keyx.includes("ECDH"))?.messageId).toBe(
    b.reports[1]!.messageId + 1,
  );
  clock.ms += 200_000;
  expect(await (await session.request({ body: "2" })).text()).toBe("ECHO:2");
  expect(offers(b).at(-1)).toEqual(BOTH);
  expect(served.errors).toEqual([]);
});

test.each(["a connection", "exchanges"] as const)(
  "probe over %s: sent again without ECDH, once for each counterpart that lacks it",
  async (kind) => {
    const places = new Map<string, MemoryPlace>();
    const storage = (name: string) => {
      const place = places.get(name) ?? { snapshot: null };
      places.set(name, place);
      return memoryStorage(place);
    };
    const config = { keyExchangeSupport: "probe", storage } as const;
    const old = await side("peer-b", STRICT);
    const modern = await side("peer-c", { issuer });
    const connect = (from: Side, to: Side, counterpart: string) => {
      if (kind === "exchanges") return from.peer.session(exchanges(to.peer), { counterpart });
      const wire = duplex();
      serving(to.peer, wire.b);
      return from.peer.session(wire.a, { counterpart });
    };
    const first = await side("peer-a", { issuer, config });
    const one = connect(first, old, "peer-b");
    expect(await (await one.request({ body: "1" })).text()).toBe("ECHO:1");
    const sent = first.reports.filter((r) => r.direction === "out").slice(0, 2);
    expect(sent.map((r) => r.keyx)).toEqual([BOTH, LEAST]);
    expect(sent[1]!.messageId).toBe(sent[0]!.messageId + 2);
    expect(one.masterToken).not.toBeNull();
    expect(await (await connect(first, modern, "peer-c").request({ body: "2" })).text()).toBe("ECHO:2");
    expect(offers(modern)[0]).toEqual(BOTH);
    expect(places.get("peer-b")?.snapshot).not.toBeNull();
    await one.clear();
    await first.peer.close();
    const again = await side("peer-a", { issuer, config });
    expect(await (await connect(again, old, "peer-b").request({ body: "3" })).text()).toBe("ECHO:3");
    expect(again.reports[0]).toMatchObject({ keyx: LEAST, sequenceNumber: null });
    expect(await (await connect(again, modern, "peer-c").request({ body: "4" })).text()).toBe("ECHO:4");
    expect(old.reports.filter((r) => r.kind === "error")).toHaveLength(1);
  },
);

test("who offers ECDH alone does not fall back, nor does a body that is gone", async () => {
  const own: SideOptions = { issuer, config: { keyExchangeSupport: "probe", resendBytes: 2 } };
  const { session, a, b } = await pair({ ...own, symmetric: false }, STRICT);
  for (let i = 1; i <= 2; i++) {
    await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
    expect(a.reports.filter((r) => r.direction === "out").map((r) => r.keyx)).toEqual(Array(i).fill(["ECDH"]));
  }
  expect(b.reports.filter((r) => r.direction === "out")).toHaveLength(2);
  const streaming = await pair(own, STRICT);
  const pieces = function* () {
    for (let i = 0; i < 4; i++) yield new Uint8Array(1000);
  };
  const gone = streaming.session.request({ body: pieces() });
  await expect(gone).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
  expect((await (await streaming.session.request({ body: pieces() })).bytes()).length).toBe(4005);
  const sent = streaming.a.reports.filter((r) => r.direction === "out").slice(0, 2);
  expect(sent.map((r) => r.keyx)).toEqual([BOTH, LEAST]);
});

/** An attacker on the way answers the first message in the name of `peer-b`, as NONE. */
async function attacked(keyExchangeSupport: KeyExchangeSupport, isForging: boolean) {
  const a = await side("peer-a", { issuer, config: { keyExchangeSupport } });
  const b = await side("peer-b", { issuer });
  const honest = exchanges(b.peer);
  const forging = loopbackTransport(async (reader, writer) => {
    while ((await reader.read()) !== null);
    await settled(() => a.reports.length > 0);
    const entity = noneData("peer-b");
    const code = "UNIDENTIFIED_KEYX_SCHEME";
    const messageId = a.reports[0]!.messageId + 1;
    await writer.write(
      await writeErrorMessage("JSON", entity, nullContext, { code, messageId, timestamp: null, userMessage: null }),
    );
    await writer.end();
  });
  let opened = 0;
  const transport: typeof forging = {
    open: (options) => (opened++ === 0 && isForging ? forging : honest).open(options),
  };
  return { a, b, session: a.peer.session(transport, { counterpart: "peer-b" }) };
}

test("an error of NONE in the name of another one is not believed, unless errors of anyone are", async () => {
  const quiet = await attacked("probe", false);
  expect(await (await quiet.session.request({ body: "x" })).text()).toBe("ECHO:x");
  expect(offers(quiet.b)[0]).toEqual(BOTH);
  const { a, b, session } = await attacked("probe", true);
  await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "UNIDENTIFIED_KEYX_SCHEME" });
  expect(a.reports.filter((r) => r.direction === "out")).toHaveLength(1);
  await session.request({ body: "x" });
  expect(offers(b)[0]).toEqual(BOTH);
  const open = await attacked("probe-unauthenticated", true);
  expect(await (await open.session.request({ body: "x" })).text()).toBe("ECHO:x");
  expect(offers(open.b)[0]).toEqual(LEAST);
});
