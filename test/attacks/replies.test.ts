// Attacks on what comes back to a device: answers in weaker protection, errors of others, bodies that are dropped half-way.

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { MslClient } from "../../src/control/api.ts";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { ecc, eccData } from "../../src/entity-auth/key-pair.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { memoryEccKeys } from "../../src/store/entity-keys.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { emailPasswordData } from "../../src/user-auth/email-password.ts";
import { errorMessage, FORMATS, HEADER, message, objectsOf, seen, type Sender, server } from "../conformance/kit.ts";
import { user, World } from "../scenario/world.ts";

const code = (action: Promise<unknown>) =>
  action.then(
    () => "accepted",
    (error) => error.code as string,
  );

describe.each(FORMATS)("%s", (format) => {
  const own = { firstFormat: format, capabilities: { formats: [format] } } as const;

  /** The next answer is `forge`'s, made for the request that was sent. */
  function answerNext(world: World, forge: (messageId: number) => Promise<Uint8Array>) {
    const post = world.post.bind(world);
    world.post = async (...parts) => {
      world.post = post;
      await post(...parts);
      return forge(seen(world).at(-1)!.messageId);
    };
  }

  /** A server that can also sign without encrypting, and a device that knows its key. */
  async function network() {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
    const pkcs8 = new Uint8Array(pair.privateKey.export({ type: "pkcs8", format: "der" }));
    const world = await World.create();
    const { core } = world;
    const store = memoryEccKeys([{ pubkeyid: "key", identities: ["server"], spki }]);
    const local = { pubkeyid: "key", privateKey: importPrivateKey(core, pkcs8).key };
    const signing: Sender = {
      entity: eccData("server", "key"),
      context: await ecc({ core, store, local }).cryptoContext(eccData("server", "key")),
    };
    const serverSchemes = [world.psk(), ecc({ core, store }), none()];
    const device = await world.device({ ...own, serverSchemes, keyExchange: [] });
    return { world, device, signing };
  }

  const reply = (sender: Sender) => (id: number) => message(format, sender, { ...HEADER, messageid: id + 1 }, "forged");
  const nobody: Sender = { entity: noneData("server"), context: nullContext };

  test("an answer that is signed and not encrypted, or neither, to a request that was both", async () => {
    const { world, device, signing } = await network();
    const ask = async (init = {}) => (await device.request({ body: "x", ...init })).text();
    expect(await ask()).toBe("ECHO:x");
    for (const sender of [signing, nobody]) {
      answerNext(world, reply(sender));
      expect(await code(ask())).toBe("REPLY_UNDERPROTECTED");
    }
    answerNext(world, reply(nobody));
    expect(await code(ask({ requireReply: { integrity: true } }))).toBe("REPLY_UNDERPROTECTED");
    // Both are answers: only the protection that was asked for refuses them.
    answerNext(world, reply(signing));
    expect(await ask({ requireReply: { integrity: true } })).toBe("forged");
    answerNext(world, reply(nobody));
    expect(await ask({ requireReply: {} })).toBe("forged");
    answerNext(world, reply(server(world)));
    expect(await ask()).toBe("forged");
  });

  test("a session is not taken away by such an answer: the next request goes under it", async () => {
    const world = await World.create();
    const device = await world.device({ ...own, serverSchemes: [world.psk(), none()] });
    const ask = async () => (await device.request({ body: "x", user: user() })).text();
    await ask();
    const token = device.session.masterToken;
    for (const sender of [nobody, server(world)]) {
      answerNext(world, reply(sender));
      expect(await code(ask())).toBe("REPLY_UNDERPROTECTED");
    }
    expect(await ask()).toBe("ECHO:x");
    expect(device.session.masterToken).toEqual(token);
    expect(device.session.hasUser("local-user")).toBe(true);
    expect(seen(world).at(-1)).toMatchObject({ serialNumber: token?.serialNumber, hasUserIdToken: true });
  });

  test("an error of somebody else, with a wrong signature or of another exchange changes nothing", async () => {
    const world = await World.create();
    // As in a fleet: a device holds its own keys and the server's.
    const known = ["server", "device-1"];
    const contextOf = (identity: string) => (known.includes(identity) ? world.pskContextOf(identity) : null);
    const expectSender = "server";
    const device = await world.device({ ...own, serverSchemes: [psk({ contextOf })], expectSender });
    const asked = {
      id: "local-user",
      authenticate: ({ required }: { required: boolean }) => (required ? emailPasswordData("a@b.c", "secret") : null),
    };
    const ask = async () => (await device.request({ body: "x", user: asked })).text();
    await ask();
    const token = device.session.masterToken;
    const error = (sender: Sender, errorcode: number, shift = 1) => {
      return (id: number) => errorMessage(format, sender, { messageid: id + shift, errorcode, timestamp: 1 });
    };
    const other: Sender = { entity: pskData("device-2"), context: world.pskContextOf("device-2")! };
    const claimed: Sender = { entity: pskData("server"), context: world.pskContextOf("device-2")! };
    const self: Sender = { entity: pskData("device-1"), context: world.pskContextOf("device-1")! };
    const ENTITY_REAUTH = 3;
    const USER_REAUTH = 4;
    for (const [forge, expected] of [
      [error(other, ENTITY_REAUTH), "ENTITY_NOT_FOUND"],
      [error(claimed, ENTITY_REAUTH), "MESSAGE_VERIFICATION_FAILED"],
      [error(self, ENTITY_REAUTH), "MESSAGE_SENDER_MISMATCH"],
      // A true one, of another exchange, whose code would cost the login.
      [error(server(world), USER_REAUTH, 7), "UNEXPECTED_RESPONSE_MESSAGE_ID"],
      [error(server(world), 8, 0), "UNEXPECTED_RESPONSE_MESSAGE_ID"],
    ] as const) {
      answerNext(world, forge);
      expect(await code(ask())).toBe(expected);
      expect(device.session.masterToken).toEqual(token);
      expect(device.session.hasUser("local-user")).toBe(true);
    }
    const logins = () => seen(world).filter(({ userScheme }) => userScheme !== null).length;
    const before = logins();
    answerNext(world, error(server(world), USER_REAUTH));
    expect(await ask()).toBe("ECHO:x");
    expect(logins()).toBe(before + 1);
  });

  test("an error spliced before the chunks of an answer, or its data into an answer's header", async () => {
    const world = await World.create();
    const device = await world.device(own);
    const ask = async () => (await device.request({ body: "x" })).text();
    await ask();
    const error = await errorMessage(format, server(world), { messageid: 0, errorcode: 1, timestamp: 1 });
    const splice = (change: (error: Uint8Array, objects: Uint8Array[]) => Uint8Array[]) => {
      world.tamper = (bytes, way) =>
        way === "request" ? bytes : new Uint8Array(Buffer.concat(change(error, objectsOf(world, bytes))));
    };
    // The message ends with the error: what follows is not read.
    splice((head, objects) => [head, ...objects.slice(1)]);
    const failed = await device.request({ body: "x" }).catch((thrown) => thrown);
    expect(failed).toMatchObject({ responseCode: 1 });
    splice((head, objects) => [head, ...objects]);
    expect((await device.request({ body: "x" }).catch((thrown) => thrown)).responseCode).toBe(1);
    world.tamper = null;
    expect(await ask()).toBe("ECHO:x");
  });
});

describe("bodies", () => {
  test("a request that is dropped half-way ends nothing by itself: the server sees it truncated", async () => {
    const got: string[] = [];
    const failures: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        try {
          got.push(await request.text());
        } catch (error) {
          failures.push((error as { code: string }).code);
          throw error;
        }
        return { body: "y" };
      },
    });
    const wire: Uint8Array[] = [];
    const transport = loopbackTransport((reader, writer) => {
      const recording = {
        async read() {
          const bytes = await reader.read();
          if (bytes !== null) wire.push(bytes.slice());
          return bytes;
        },
        cancel: () => reader.cancel(),
      };
      return world.serve(recording, writer);
    });
    const device: MslClient = await world.device({ transport });
    const whole = device.open({});
    await whole.outgoing.write(Uint8Array.of(65));
    await whole.outgoing.close();
    expect(await (await whole.incoming).text()).toBe("y");
    wire.length = 0;
    const dropped = device.open({});
    await dropped.outgoing.write(Uint8Array.of(66));
    await dropped.outgoing.flush();
    dropped.outgoing.abort();
    expect(await code(dropped.incoming)).toBe("ABORTED");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(got).toEqual(["A"]);
    expect(failures).toHaveLength(1);
    // Header and one chunk left, no last one.
    expect(objectsOf(world, new Uint8Array(Buffer.concat(wire)))).toHaveLength(2);
  });

  test("an answer whose source fails half-way is truncated", async () => {
    const world = await World.create({
      handler: async () => ({
        body: (async function* () {
          yield Uint8Array.of(65);
          yield Uint8Array.of(66);
          throw new Error("The source is away.");
        })(),
      }),
    });
    const transport = loopbackTransport((reader, writer) => world.serve(reader, writer).catch(() => writer.end()));
    const device = await world.device({ transport });
    const incoming = await device.request({ body: "x" });
    const pieces: number[] = [];
    const reading = (async () => {
      for await (const piece of incoming) pieces.push(...piece);
    })();
    expect(await code(reading)).toBe("MESSAGE_TRUNCATED");
    expect([pieces, incoming.complete]).toEqual([[65], false]);
  });

  test.each(FORMATS)("every byte is itself, both ways, %s", async (format) => {
    const all = Uint8Array.from({ length: 768 }, (_, i) => (i * 7) & 255);
    const seenBytes: Uint8Array[] = [];
    const world = await World.create({
      handler: async (request) => {
        const bytes = await request.bytes();
        seenBytes.push(bytes);
        return { body: bytes };
      },
    });
    const device = await world.device({ firstFormat: format });
    for (const compress of [true, false]) {
      expect(await (await device.request({ body: all, compress })).bytes()).toEqual(all);
    }
    expect(seenBytes).toEqual([all, all]);
  });

  test("a body is handed on as it comes, never kept whole", async () => {
    const PIECES = 200;
    let made = 0;
    let read = 0;
    let furthest = 0;
    const piece = new Uint8Array(16_384).fill(120);
    const world = await World.create({
      handler: async (request) => {
        for await (const bytes of request) {
          read += bytes.length;
          furthest = Math.max(furthest, made - read);
        }
        return { body: String(read) };
      },
    });
    const transport = loopbackTransport((reader, writer) => world.serve(reader, writer));
    const device = await world.device({ transport });
    const source = async function* () {
      for (let i = 0; i < PIECES; i++) {
        made += piece.length;
        yield piece;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const reply = await device.request({ body: source, compress: false });
    expect(await reply.text()).toBe(String(PIECES * piece.length));
    expect(furthest).toBeLessThan(20 * piece.length);
  });
});
