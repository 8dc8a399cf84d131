// Scenarios: bodies, their compression and protection, streams, one-way messages, service tokens, users and networks.

import { createHash } from "node:crypto";
import type { RequestHandler, ServiceTokenEditor } from "../../src/control/api.ts";
import type { MslErrorCode } from "../../src/errors/codes.ts";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import { failureOf, replyFacts, serviceTokenFacts } from "./facts.ts";
import { keys, Network, user } from "./network.ts";
import { type Scenario, scenario } from "./scenario.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const noise = Uint8Array.from({ length: 300_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
const prose = "All work and no play makes Jack a dull boy. ".repeat(3000);
const bytes = (text: string) => Buffer.from(text);

/** One error of each response code. */
const ERRORS: readonly MslErrorCode[] = [
  "INTERNAL_EXCEPTION",
  "MSL_COMMS_FAILURE",
  "ENTITY_REJECTED_BY_APP",
  "MASTERTOKEN_REJECTED_BY_APP",
  "USER_REJECTED_BY_APP",
  "USERIDTOKEN_REJECTED_BY_APP",
  "RESPONSE_REQUIRES_ENCRYPTION",
  "MESSAGE_EXPIRED_NOT_RENEWABLE",
  "MESSAGE_REPLAYED",
  "USERIDTOKEN_REVOKED",
];

function compressed(algorithm: "GZIP" | "LZW"): Scenario {
  const expected = { isSame: true, isSmall: [true, true] };
  return scenario(`a body that ${algorithm} makes small`, expected, async (cell) => {
    const config = { capabilities: { compression: [algorithm] } };
    const network = await Network.create(cell, {
      config,
      handler: async (request) => ({ body: await request.bytes() }),
    });
    const device = await network.device({ config });
    await device.ask();
    const isSame = (await device.ask(prose)) === prose;
    const isSmall = device.wire.slice(-2).map((message) => message.bytes.length < prose.length / 2);
    return { isSame, isSmall, ...network.facts() };
  });
}

const collecting =
  (bodies: string[]): RequestHandler =>
  async (request) => {
    bodies.push(await request.text());
    return {};
  };

export const MESSAGES: readonly Scenario[] = [
  scenario(
    "many chunks both ways, of bytes that nothing makes small",
    { hashes: Array(2).fill(hash(noise)) },
    async (cell) => {
      const hashes: string[] = [];
      const network = await Network.create(cell, {
        handler: async (request) => {
          const body = await request.bytes();
          hashes.push(hash(body));
          return { body };
        },
      });
      const device = await network.device();
      hashes.push(hash(await (await device.client.request({ body: noise })).bytes()));
      return { hashes, ...network.facts() };
    },
  ),

  compressed("GZIP"),
  compressed("LZW"),

  scenario(
    "a GZIP device at an LZW server: nothing is compressed",
    { isSame: true, isLarge: [true, true] },
    async (cell) => {
      const network = await Network.create(cell, {
        config: { capabilities: { compression: ["LZW"] } },
        handler: async (request) => ({ body: await request.bytes() }),
      });
      const device = await network.device({ config: { capabilities: { compression: ["GZIP"] } } });
      await device.ask();
      const isSame = (await device.ask(prose, { compress: false })) === prose;
      return {
        isSame,
        isLarge: device.wire.slice(-2).map((message) => message.bytes.length > prose.length),
        ...network.facts(),
      };
    },
  ),

  scenario("an empty body, and text beyond ASCII", { bodies: ["ECHO:", "ECHO:", "ECHO:日本 – ü 🦊"] }, async (cell) => {
    const network = await Network.create(cell);
    const device = await network.device();
    const bodies = [await device.ask(""), await device.ask(""), await device.ask("日本 – ü 🦊")];
    return { bodies, ...network.facts() };
  }),

  scenario(
    "a stream that is written while its answer is read",
    { pieces: ["one", "two and a half", "three"] },
    async (cell) => {
      const network = await Network.create(cell, { handler: (request) => ({ body: request, compress: false }) });
      const device = await network.device();
      await device.ask();
      const { outgoing, incoming } = device.client.open({ compress: false });
      const write = async (...texts: string[]) => {
        for (const text of texts) await outgoing.write(bytes(text));
        await outgoing.flush();
      };
      await write("one");
      await write("two", " and", " a half");
      const reply = await incoming;
      const body = reply[Symbol.asyncIterator]();
      await write("three");
      const pieces: string[] = [];
      const read = async () => {
        const piece = await body.next();
        if (!piece.done) pieces.push(Buffer.from(piece.value).toString());
        return piece.done !== true;
      };
      await read();
      await outgoing.close();
      while (await read());
      return { pieces, complete: reply.complete, ...network.facts() };
    },
  ),

  scenario(
    "messages without a reply, with and without a handshake",
    { bodies: ["one way", "after keys"] },
    async (cell) => {
      const bodies: string[] = [];
      const network = await Network.create(cell, { handler: collecting(bodies) });
      const device = await network.device();
      await device.client.send({ body: "one way" });
      for (let i = 0; i < 200 && bodies.length < 1; i++) await new Promise((resolve) => setTimeout(resolve, 2));
      const anonymous = await network.device({ entity: "NONE:VEC-ANON-2" });
      await anonymous.client.send({ body: "after keys" });
      for (let i = 0; i < 200 && network.reports.length < 6; i++)
        await new Promise((resolve) => setTimeout(resolve, 2));
      return { bodies, ...network.facts() };
    },
  ),

  scenario(
    "requests without encryption, and answers that are less protected than they may be",
    {
      replies: [
        { body: "clear", encrypted: false, integrityProtected: true },
        { body: "fine", encrypted: false, integrityProtected: true },
      ],
      failure: { code: "REPLY_UNDERPROTECTED" },
    },
    async (cell) => {
      const network = await Network.create(cell, {
        entity: "RSA:VEC-rsa-server",
        handler: async (request) => ({ body: await request.text(), encrypted: false }),
      });
      const device = await network.device({ entity: "RSA:VEC-rsa-client", keyx: [] });
      const replies = [await replyFacts(await device.client.request({ body: "clear", encrypted: false }))];
      const secretive = await network.device({ entity: "PSK:VEC-PSK-2", keyx: [] });
      const failure = await failureOf(secretive.ask("secret"));
      const requireReply = { encrypted: false, integrity: false };
      const lenient = await network.device({ entity: "PSK:VEC-PSK-2", keyx: [] });
      replies.push(await replyFacts(await lenient.client.request({ body: "fine", requireReply })));
      return { replies, failure, ...network.facts() };
    },
  ),

  scenario(
    "service tokens of every binding: made, sent back, replaced, deleted",
    { seen: [[], ["cookie", "device", "special", "watching"], ["cookie", "special"]] },
    async (cell) => {
      const seen: string[][] = [];
      const facts: unknown[] = [];
      const edits: ((editor: ServiceTokenEditor) => Promise<void>)[] = [
        async (editor) => {
          await editor.add("cookie", bytes("unbound ü".repeat(100)), { compress: true });
          await editor.add("device", bytes("bound"), { binding: "master", encrypt: false });
          await editor.add("watching", bytes("film 7"), { binding: "user" });
          await editor.add("special", bytes("\x00\xff".repeat(9)));
        },
        async (editor) => {
          await editor.add("special", bytes("new"));
          editor.delete("device", "master");
        },
        async () => {},
      ];
      const held: { crypto: ReturnType<typeof keys.serviceTokenContexts> | null } = { crypto: null };
      const hooks = { crypto: (name: string) => held.crypto?.(name) ?? null };
      const network = await Network.create(cell, {
        config: { serviceTokens: hooks },
        handler: (request) => {
          const tokens = request.serviceTokens.map(serviceTokenFacts).sort((a, b) => (a.name < b.name ? -1 : 1));
          facts.push(tokens);
          const edit = edits[seen.length]!;
          seen.push(tokens.map((token) => token.name));
          return { body: "ok", serviceTokens: { ...hooks, edit } };
        },
      });
      held.crypto = keys.serviceTokenContexts(network.core);
      const device = await network.device();
      const serviceTokens = { crypto: keys.serviceTokenContexts(device.core) };
      const replies: unknown[] = [];
      for (const user1 of [user(), user(), null]) {
        replies.push(await replyFacts(await device.client.request({ body: "x", user: user1, serviceTokens })));
      }
      return { seen, facts, replies, ...network.facts() };
    },
  ),

  scenario(
    "several users of a device, one of whom is forgotten",
    { users: ["VEC-user-1", "VEC-user-2", "VEC-user-1", null, "VEC-user-2"], has: [false, true] },
    async (cell) => {
      const users: (string | null)[] = [];
      const network = await Network.create(cell, {
        handler: (request) => {
          users.push(request.user);
          return {};
        },
      });
      const device = await network.device();
      for (const who of [user(0), user(1), user(0), null, user(1)]) await device.ask("x", { user: who });
      const tokens = [await device.tokens("VEC-user-1"), await device.tokens("VEC-user-2")];
      await device.client.session.forgetUser("VEC-user-1");
      const has = [0, 1].map((n) => device.client.session.hasUser(keys.users[n]!.id));
      return { users, has, tokens, ...network.facts() };
    },
  ),

  scenario(
    "several networks: each with its state, none takes the other's",
    { bodies: ["a: 1", "b: 2", "a: 3"], failure: { code: "STORE_MISMATCH" } },
    async (cell) => {
      const place = { snapshot: null };
      const answering =
        (name: string): RequestHandler =>
        async (request) => ({ body: `${name}: ${await request.text()}` });
      const a = await Network.create(cell, { handler: answering("a") });
      const b = await Network.create(cell, { handler: answering("b"), entity: "ECC:VEC-ecc-server" });
      const ofA = await a.device({ config: { network: "a", storage: memoryStorage(place) } });
      const ofB = await b.device({ config: { network: "b" }, entity: "X509:client" });
      const bodies = [await ofA.ask("1"), await ofB.ask("2"), await ofA.ask("3")];
      const failure = await failureOf(b.device({ config: { network: "b", storage: memoryStorage(place) } }));
      return { bodies, failure, a: a.facts(), b: b.facts() };
    },
  ),

  scenario(
    "errors of every response code, sent for good",
    { failures: ERRORS.map((code) => ({ code })) },
    async (cell) => {
      const failures: unknown[] = [];
      const network = await Network.create(cell, {
        handler: async (request) => ({ error: (await request.text()) as MslErrorCode }),
      });
      const device = await network.device();
      for (const code of ERRORS) failures.push(await failureOf(device.ask(code, { user: user() })));
      return { failures, ...network.facts() };
    },
  ),
];
