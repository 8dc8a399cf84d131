// Several servers as several processes that share keys and one state: any of them answers any message, and what one has
// promised the others keep.

import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "../../src/control/client.ts";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import type { Exchange, Transport } from "../../src/platform/transport.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import { administration } from "../../src/tokens/administration.ts";
import { httpTransport } from "../../src/transport/http-node.ts";
import { Fleet, type FleetServer } from "./fleet.ts";
import { pskEntries } from "./world.ts";

let core: Core;
beforeAll(async () => {
  core = await loadCore();
});

const fleets: Fleet[] = [];
afterEach(() => {
  for (const fleet of fleets.splice(0)) fleet.stop();
});

async function fleetOf(count: number, ...args: ConstructorParameters<typeof Fleet>) {
  const fleet = new Fleet(...args);
  fleets.push(fleet);
  const servers = await Promise.all(Array.from({ length: count }, () => fleet.start()));
  return { fleet, servers: servers as [FleetServer, FleetServer, FleetServer] };
}

/** Goes to the server that `at` names; `sent` keeps the bytes of each request. */
class Route implements Transport {
  readonly sent: Uint8Array[] = [];
  at: { readonly url: string };

  constructor(at: { readonly url: string }) {
    this.at = at;
  }

  async open(options: Parameters<Transport["open"]>[0]): Promise<Exchange> {
    const exchange = await httpTransport(this.at.url).open(options);
    const { writer, reader } = exchange;
    const n = this.sent.push(new Uint8Array(0)) - 1;
    const write = (bytes: Uint8Array) => {
      this.sent[n] = Uint8Array.from(Buffer.concat([this.sent[n]!, bytes]));
      return writer.write(bytes);
    };
    return { writer: { write, end: () => writer.end() }, reader, abort: () => exchange.abort() };
  }
}

function device(transport: Transport, snapshot: Uint8Array | null = null) {
  const place = { snapshot };
  const scheme = psk({ contextOf: memoryPskKeys(core, pskEntries()) });
  const client = createClient({
    core,
    clock: { nowMs: () => Date.now() },
    timers: nodeTimers,
    gzip: nodeGzip,
    transport,
    entity: { scheme, data: () => pskData("device-1") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    storage: memoryStorage(place),
  });
  return { client, place };
}

const post = (server: FleetServer, body: Uint8Array) =>
  fetch(server.url, { method: "POST", body: Uint8Array.from(body) }).then((response) => response.arrayBuffer());

describe("servers in processes of their own", () => {
  test("a session made at one goes on at the others, and after the one that made it was killed", async () => {
    const { fleet, servers } = await fleetOf(3);
    const route = new Route(servers[0]);
    const client = await device(route).client;
    const ask = async (body: string) => (await client.request({ body, timeoutMs: 20_000 })).text();
    expect(await ask("one")).toBe(`one at ${servers[0].pid}`);
    route.at = servers[1];
    expect(await ask("two")).toBe(`two at ${servers[1].pid}`);
    route.at = servers[0];
    const lost = ask("hang");
    while (!fleet.delivered.includes("hang")) await new Promise((resolve) => setTimeout(resolve, 5));
    servers[0].kill();
    await expect(lost).rejects.toMatchObject({ code: "TRANSPORT" });
    route.at = servers[2];
    expect(await ask("three")).toBe(`three at ${servers[2].pid}`);
    expect(await fleet.answers(3)).toEqual(["ok", "ok", "ok"]);
    await client.close();
  });

  test("a non-replayable message is delivered once, whoever it is posted to and however often at once", async () => {
    const { fleet, servers } = await fleetOf(3);
    const route = new Route(servers[0]);
    const client = await device(route).client;
    await client.request({ body: "first", timeoutMs: 20_000 });
    await (await client.request({ body: "pay", nonReplayable: true, timeoutMs: 20_000 })).text();
    const pay = route.sent.at(-1)!;
    expect(await fleet.answers(2)).toEqual(["ok", "ok"]);
    await Promise.all(Array.from({ length: 12 }, (_, i) => post(servers[i % 3]!, pay)));
    expect(await fleet.answers(12)).toEqual(new Array(12).fill("MESSAGE_REPLAYED"));
    expect(fleet.delivered).toEqual(["first", "pay"]);
    // One that no server has seen yet, at all of them at the same time.
    route.at = { url: "http://127.0.0.1:9/msl" };
    await expect(client.request({ body: "pay again", nonReplayable: true, timeoutMs: 5000 })).rejects.toThrow();
    const fresh = route.sent.at(-1)!;
    await Promise.all(Array.from({ length: 12 }, (_, i) => post(servers[i % 3]!, fresh)));
    expect(await fleet.answers(12)).toEqual([...new Array(11).fill("MESSAGE_REPLAYED"), "ok"]);
    expect(fleet.delivered).toEqual(["first", "pay", "pay again"]);
    await client.close();
  });

  test("renewals of one token at all of them at once get numbers of their own", async () => {
    const { fleet, servers } = await fleetOf(3, { renewSec: 0, expireSec: 7200 });
    const first = device(new Route(servers[0]));
    const client = await first.client;
    await (await client.request({ body: "x", timeoutMs: 20_000 })).text();
    await client.close();
    const copies = await Promise.all(
      servers.map((server) => device(new Route(server), first.place.snapshot!.slice()).client),
    );
    await Promise.all(
      copies.map(async (copy) => (await copy.request({ body: "y", timeoutMs: 20_000, wantTokens: true })).text()),
    );
    const given = fleet.renewals.filter((number) => number !== null) as number[];
    expect(given.length).toBeGreaterThanOrEqual(3);
    expect(new Set(given).size).toBe(given.length);
    for (const copy of copies) await copy.close();
  });

  test("an entity revoked at the shared state is refused by each of them from the next message on", async () => {
    const { fleet, servers } = await fleetOf(3);
    const route = new Route(servers[0]);
    const client = await device(route).client;
    for (const body of ["x", "y"]) await (await client.request({ body, timeoutMs: 20_000 })).text();
    const underToken = route.sent.at(-1)!;
    await post(servers[1], underToken);
    expect(await fleet.answers(3)).toEqual(["ok", "ok", "ok"]);
    await administration(fleet.state).revokeEntity("device-1");
    for (const server of servers) await post(server, underToken);
    expect(await fleet.answers(3)).toEqual(new Array(3).fill("MASTERTOKEN_IDENTITY_REVOKED"));
    await client.close();
  });
});
