// Several users on a device: whose tokens travel, what is stored for whom, and what forgetting and clearing take away.

import { describe, expect, test } from "vitest";
import type { ClientConfig, MslClient, RequestInit, ServiceTokenHooks } from "../../src/control/api.ts";
import type { Core } from "../../src/core/core.ts";
import { MAC_KEY, ENCRYPTION_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { emailPassword, emailPasswordData } from "../../src/user-auth/email-password.ts";
import { clock, World } from "./world.ts";

const HOUR = 3_600_000;
const PEOPLE: Record<string, string> = { anna: "a@x", bert: "b@x" };

async function household(overrides: Partial<ClientConfig> = {}) {
  const seen: { user: string | null; tokens: string[] }[] = [];
  const world = await World.create({
    issuer: {
      masterTokenLife: { renewSec: 3600, expireSec: 7200 },
      userIdTokenLife: { renewSec: 3600, expireSec: 7200 },
    },
    server: {
      userSchemes: [
        emailPassword({ verify: (email) => Object.keys(PEOPLE).find((id) => PEOPLE[id] === email) ?? null }),
      ],
    },
    extend: (core) => ({ serviceTokens: hooks(core) }),
    handler: async (request) => {
      const tokens = request.serviceTokens.map((token) => token.name).sort();
      seen.push({ user: request.user, tokens });
      return { body: `ECHO:${await request.text()}`, serviceTokens: answers.next, user: answers.user };
    },
  });
  const answers: { next: ServiceTokenHooks | null; user: string | null } = { next: null, user: null };
  const device = await world.device(overrides);
  return { world, device, seen, answers };
}

/** Both sides read the service tokens of any name. */
function hooks(core: Core): ServiceTokenHooks {
  const context = slotContext(core, {
    keyId: "st",
    encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(1)),
    mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(2)),
  });
  return { crypto: () => context };
}

const logins: Record<string, number> = {};
const as = (id: string) => ({
  id,
  authenticate: ({ required }: { required: boolean }) => {
    if (!required) return null;
    logins[id] = (logins[id] ?? 0) + 1;
    return emailPasswordData(PEOPLE[id]!, "secret");
  },
});
const ask = async (device: MslClient, init: RequestInit = {}) => (await device.request({ body: "x", ...init })).text();
const incoming = (world: World) => world.reports.filter((report) => report.direction === "in").at(-1)!;

describe.each(["JSON", "CBOR"] as const)("users, %s", (firstFormat) => {
  test("CTL-12 CTL-115 each user's token is stored under the local id and sent for that user alone", async () => {
    const { world, device, seen } = await household({ firstFormat });
    await ask(device, { user: as("anna") });
    await ask(device, { user: as("bert") });
    await ask(device, { user: as("anna") });
    expect(incoming(world)).toMatchObject({ hasUserIdToken: true, userScheme: null });
    await ask(device);
    expect(incoming(world)).toMatchObject({ hasUserIdToken: false, userScheme: null });
    await ask(device, { user: as("bert") });
    expect(seen.map((one) => one.user)).toEqual(["anna", "bert", "anna", null, "bert"]);
    expect([device.session.hasUser("anna"), device.session.hasUser("bert")]).toEqual([true, true]);
    expect(device.session.tokensOf("anna")?.userIdToken.serialNumber).not.toBe(
      device.session.tokensOf("bert")?.userIdToken.serialNumber,
    );
  });

  test("CTL-11 a user's token of another master token is not sent; CTL-113 renewal keeps it", async () => {
    const { world, device, seen } = await household({ firstFormat });
    await ask(device, { user: as("anna") });
    const bound = device.session.tokensOf("anna")!;
    clock.ms += HOUR;
    await ask(device);
    const renewed = device.session.tokensOf("anna")!;
    expect(renewed.masterToken.sequenceNumber).toBe(bound.masterToken.sequenceNumber + 1);
    expect(renewed.userIdToken).toEqual(bound.userIdToken);

    // A new line: the server refuses the master token.
    const post = world.post.bind(world);
    world.post = (...parts) => {
      world.post = post;
      return world.postWith(() => ({ error: "MASTERTOKEN_REJECTED_BY_APP" }), ...parts);
    };
    await ask(device);
    expect(device.session.masterToken?.serialNumber).not.toBe(bound.masterToken.serialNumber);
    expect(device.session.tokensOf("anna")).toBeNull();
    expect(device.session.hasUser("anna")).toBe(false);
    await ask(device, { user: as("anna") });
    expect(seen.at(-1)?.user).toBe("anna");
    expect(incoming(world)).toMatchObject({ hasUserIdToken: false, userScheme: "EMAIL_PASSWORD" });
  });

  test("CTL-113 renewal keeps the counter of ids, a new line begins it anew; CTL-112 the request's token is retired", async () => {
    const { world, device } = await household({ firstFormat });
    await ask(device);
    await ask(device, { nonReplayable: true });
    clock.ms += HOUR;
    await ask(device);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
    await ask(device, { nonReplayable: true });
    expect(incoming(world)).toMatchObject({ nonReplayableId: 2, sequenceNumber: 1 });
    await device.session.clear();
    await ask(device);
    await ask(device, { nonReplayable: true });
    expect(incoming(world)).toMatchObject({ nonReplayableId: 1, sequenceNumber: 0 });
  });

  test("CTL-117 service tokens: data replaces, empty data deletes the exact name and binding; users' stay apart", async () => {
    const { world, device, seen, answers } = await household({ firstFormat });
    const own = hooks(world.core);
    const bytes = (...list: number[]) => Uint8Array.from(list);
    const asAnna = { user: as("anna"), serviceTokens: own };
    answers.next = {
      ...own,
      async edit(editor) {
        await editor.add("t", bytes(1));
        await editor.add("t", bytes(2), { binding: "master" });
        if (editor.hasUserIdToken) await editor.add("t", bytes(3), { binding: "user" });
      },
    };
    await ask(device, asAnna);
    answers.next = null;
    await ask(device, asAnna);
    expect(seen.at(-1)).toEqual({ user: "anna", tokens: ["t", "t", "t"] });
    await ask(device, { user: as("bert"), serviceTokens: own });
    await ask(device, { serviceTokens: own });
    expect(seen.slice(-2)).toEqual([
      { user: "bert", tokens: ["t", "t"] },
      { user: null, tokens: ["t", "t"] },
    ]);
    answers.next = { ...own, edit: (editor) => void editor.delete("t", "master") };
    await ask(device, { serviceTokens: own });
    answers.next = { ...own, edit: async (editor) => void (await editor.add("t", bytes(4))) };
    const reply = await device.request({ body: "x", serviceTokens: own });
    await reply.text();
    expect(reply.serviceTokens.map((token) => token.data)).toEqual([bytes(4)]);
    answers.next = null;
    await ask(device, asAnna);
    expect(seen.at(-1)).toEqual({ user: "anna", tokens: ["t", "t"] });
    await ask(device, { serviceTokens: own });
    expect(seen.at(-1)).toEqual({ user: null, tokens: ["t"] });
  });

  test("CTL-116 a server's user-bound tokens for a request without a local user are ignored, the reply is delivered", async () => {
    const { world, device, seen, answers } = await household({ firstFormat });
    const own = hooks(world.core);
    await ask(device);
    const edit = async (editor: Parameters<NonNullable<ServiceTokenHooks["edit"]>>[0]) => {
      expect(editor.hasUserIdToken).toBe(true);
      await editor.add("secret", Uint8Array.of(1), { binding: "user" });
    };
    answers.next = { ...own, edit };
    // The server attaches a user of its own accord.
    const attached = await world.device({ firstFormat }, "device-2");
    const before = seen.length;
    answers.user = "carl";
    expect(await ask(attached, { serviceTokens: own })).toBe("ECHO:x");
    expect(seen.length).toBe(before + 1);
    answers.user = null;
    answers.next = null;
    await ask(attached, { serviceTokens: own });
    expect(seen.at(-1)).toEqual({ user: null, tokens: [] });
    expect(incoming(world).hasUserIdToken).toBe(false);
  });

  test("forgetting a user takes the token, its service tokens and nothing else, also over a restart", async () => {
    const place: MemoryPlace = { snapshot: null };
    const { world, device, seen, answers } = await household({ firstFormat, storage: memoryStorage(place) });
    const own = hooks(world.core);
    answers.next = {
      ...own,
      async edit(editor) {
        await editor.add("all", Uint8Array.of(1));
        if (editor.hasUserIdToken) await editor.add("mine", Uint8Array.of(2), { binding: "user" });
      },
    };
    for (const id of ["anna", "bert"]) {
      await ask(device, { user: as(id), serviceTokens: own });
      await ask(device, { user: as(id), serviceTokens: own });
    }
    answers.next = null;
    await device.session.forgetUser("anna");
    await device.session.forgetUser("nobody");
    const token = device.session.masterToken;
    await device.close();
    const again = await world.device({ firstFormat, storage: memoryStorage(place) });
    expect(again.session.masterToken).toEqual(token);
    expect([again.session.hasUser("anna"), again.session.hasUser("bert")]).toEqual([false, true]);
    const before = logins.anna!;
    await ask(again, { user: as("bert"), serviceTokens: own });
    expect(seen.at(-1)).toEqual({ user: "bert", tokens: ["all", "mine"] });
    await ask(again, { user: as("anna"), serviceTokens: own });
    expect(seen.at(-1)).toEqual({ user: "anna", tokens: ["all"] });
    expect(logins.anna).toBe(before + 1);
  });

  test("a request under way does not bring back a user that was forgotten, nor a session that was cleared", async () => {
    for (const forget of ["user", "all"] as const) {
      const { world, device } = await household({ firstFormat });
      await ask(device);
      const old = device.session.masterToken!;
      clock.ms += HOUR;
      const post = world.post.bind(world);
      world.post = async (...parts) => {
        world.post = post;
        const reply = await post(...parts);
        await (forget === "user" ? device.session.forgetUser("anna") : device.session.clear());
        return reply;
      };
      expect(await ask(device, { user: as("anna") })).toBe("ECHO:x");
      expect(device.session.hasUser("anna")).toBe(false);
      if (forget === "user") {
        expect(device.session.masterToken).toEqual({ ...old, sequenceNumber: old.sequenceNumber + 1 });
      } else expect(device.session.masterToken).toBeNull();
      expect(await ask(device, { user: as("anna") })).toBe("ECHO:x");
      expect(device.session.hasUser("anna")).toBe(true);
    }
  });

  test("CTL-49 CTL-50 a request under way under a token reads its reply after another one renewed it", async () => {
    const { world, device } = await household({ firstFormat });
    await ask(device);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const post = world.post.bind(world);
    world.post = async (...parts) => {
      world.post = post;
      const reply = await post(...parts);
      await held;
      return reply;
    };
    const slow = ask(device);
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.ms += HOUR;
    await ask(device);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
    await ask(device);
    expect(incoming(world).sequenceNumber).toBe(1);
    release();
    expect(await slow).toBe("ECHO:x");
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
  });

  test("CTL-114 a master token in a reply's header is never adopted", async () => {
    const { world, device } = await household({ firstFormat });
    await ask(device);
    const other = await world.device({ firstFormat }, "device-2");
    await ask(other);
    await ask(other);
    const before = device.session.masterToken;
    // The other device's replies, one with its key response and one under its token: refused, and nothing is kept.
    for (const [n, code] of [
      [1, "UNEXPECTED_RESPONSE_MESSAGE_ID"],
      [2, "MASTERTOKEN_UNTRUSTED"],
    ] as const) {
      world.tamper = (bytes, direction) => (direction === "response" ? world.wire[n]!.response : bytes);
      await expect(ask(device)).rejects.toMatchObject({ name: "MslProtocolError", code });
      expect(device.session.masterToken).toEqual(before);
    }
    world.tamper = null;
    expect(device.session.masterToken).toEqual(before);
    expect(await ask(device)).toBe("ECHO:x");
  });
});

test("two networks on one device share nothing, and their states cannot be exchanged", async () => {
  const [one, two] = [await household(), await household()];
  const places: MemoryPlace[] = [{ snapshot: null }, { snapshot: null }];
  const a = await one.world.device({ network: "one", storage: memoryStorage(places[0]!) });
  const b = await two.world.device({ network: "two", storage: memoryStorage(places[1]!) });
  await Promise.all([ask(a, { user: as("anna") }), ask(b, { user: as("bert") })]);
  expect([a.session.hasUser("anna"), a.session.hasUser("bert")]).toEqual([true, false]);
  expect([b.session.hasUser("anna"), b.session.hasUser("bert")]).toEqual([false, true]);
  await a.session.clear();
  expect(b.session.masterToken).not.toBeNull();
  await ask(b, { user: as("bert") });
  await a.close();
  await b.close();
  const swapped = two.world.device({ network: "one", storage: memoryStorage(places[1]!) });
  await expect(swapped).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  const back = await two.world.device({ network: "two", storage: memoryStorage(places[1]!) });
  expect(back.session.hasUser("bert")).toBe(true);
});
