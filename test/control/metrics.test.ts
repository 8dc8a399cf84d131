// Events and counters of a server: what they count, and that they hold nothing that a stranger chose.

import { expect, test } from "vitest";
import type { ServerEvent } from "../../src/control/events.ts";
import { createMetrics } from "../../src/control/metrics.ts";
import { clock, user, World } from "../scenario/world.ts";

async function observed() {
  const metrics = createMetrics();
  const events: ServerEvent[] = [];
  const world = await World.create({
    issuer: { masterTokenLife: { renewSec: 60, expireSec: 1000 } },
    server: {
      onEvent(event) {
        events.push(event);
        metrics.onEvent(event);
      },
    },
  });
  return { world, metrics, events };
}

test("exchanges, tokens, logins, replays and errors are counted", async () => {
  const start = clock.ms;
  const { world, metrics, events } = await observed();
  const device = await world.device();
  await (await device.request({ body: "a", user: user() })).text();
  await (await device.request({ body: "b", user: user() })).text();
  clock.ms += 100_000;
  await (await device.request({ body: "c", user: user() })).text();
  clock.ms = start;
  await (await device.request({ body: "d", nonReplayable: true })).text();
  await world.post(world.wire.at(-1)!.request);
  await device.request({ body: "e", user: { ...user("wrong"), id: "other" } }).catch(() => {});
  await world.post(new Uint8Array([0x7b, 0x7d]));
  const seen = metrics.snapshot();
  expect(seen.exchanges).toBe(events.length);
  expect(seen.masterTokens).toEqual({ issued: 1, renewed: 1 });
  expect(seen.userIdTokens.issued).toBe(1);
  expect(seen.keyExchanges).toEqual({ ECDH: 2 });
  expect(seen.entitySchemes).toEqual({ PSK: 1 });
  expect(seen.replays).toBe(1);
  expect(seen.logins.succeeded).toBe(3);
  expect(seen.logins.failed).toBeGreaterThan(0);
  expect(seen.errors).toMatchObject({ MESSAGE_REPLAYED: 1, MSL_PARSE_ERROR: 1 });
  expect(seen.errors.EMAILPASSWORD_INCORRECT).toBe(seen.logins.failed);
  expect(seen.outcomes.response).toBe(4);
  expect(seen.outcomes.error).toBe(seen.exchanges - 4);
  expect(seen.latency.counts.reduce((sum, count) => sum + count, 0)).toBe(seen.exchanges);
  // Bytes that were read: what followed a refused header was not.
  const arrived = world.wire.reduce((sum, { request }) => sum + request.length, 0) + world.wire[3]!.request.length + 2;
  expect(seen.bytesIn).toBeGreaterThan(arrived / 2);
  expect(seen.bytesIn).toBeLessThanOrEqual(arrived);
  expect(seen.bytesOut).toBeGreaterThan(0);
  const text = metrics.text();
  expect(text).toContain('msl_errors_total{code="MESSAGE_REPLAYED"} 1');
  expect(text).toContain('msl_master_tokens_total{event="renewed"} 1');
  expect(text).toContain(`msl_exchange_ms_count ${seen.exchanges}`);
  expect(text).toMatch(/le="\+Inf"\} \d+\n/);
});

test("events and counters name no identity, user, password or body", async () => {
  const { world, metrics, events } = await observed();
  const device = await world.device();
  await (await device.request({ body: "a-very-private-body", user: user() })).text();
  await device.request({ body: "x", user: { ...user("wrong-password"), id: "other" } }).catch(() => {});
  const all = JSON.stringify(events) + JSON.stringify(metrics.snapshot()) + metrics.text();
  for (const word of ["device-1", "user-1", "a@b.c", "secret", "wrong-password", "private", "server"]) {
    expect(all).not.toContain(word);
  }
});

test("a handshake, a received error and a broken answer have outcomes of their own", async () => {
  const { world, events } = await observed();
  const guest = await world.device({ entity: world.anonymous() });
  await (await guest.request({ body: "x" })).text();
  expect(events.map((event) => event.outcome)).toEqual(["handshake", "response"]);
  expect(events[0]).toMatchObject({ masterToken: "issued", entityScheme: "NONE", code: null });
  await world.post(new TextEncoder().encode('{"headerdata":1}'));
  const refused = world.wire.length;
  expect(refused).toBe(2);
  expect(events.at(-1)).toMatchObject({ outcome: "error", code: "MSL_PARSE_ERROR" });
});

test("labels of application schemes are bounded", () => {
  const metrics = createMetrics();
  const event = { kind: "exchange", outcome: "response", code: null, ms: 1, format: "JSON", userScheme: null } as const;
  const rest = {
    nonReplayable: false,
    masterToken: null,
    userIdToken: null,
    keyExchange: null,
    bytesIn: 0,
    bytesOut: 0,
  };
  for (let i = 0; i < 1000; i++) metrics.onEvent({ ...event, ...rest, entityScheme: `S${i}"\n` });
  const { entitySchemes } = metrics.snapshot();
  expect(Object.keys(entitySchemes)).toHaveLength(257);
  expect(entitySchemes.other).toBe(1000 - 256);
  expect(metrics.text()).not.toContain('S1"\n');
});
