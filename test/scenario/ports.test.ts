// Other surroundings: an entity key that answers asynchronously, an engine without any platform, HTTP limits.

import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect } from "node:net";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, test, vi } from "vitest";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { bytesReader, CollectingWriter } from "../../src/transport/pipe.ts";
import { fetchHandler } from "../../src/transport/fetch-handler.ts";
import { fetchTransport } from "../../src/transport/fetch.ts";
import { httpTransport } from "../../src/transport/http-node.ts";
import { listen, nodeHandler } from "../../src/transport/server-node.ts";
import { emailPasswordData } from "../../src/user-auth/email-password.ts";
import { World } from "./world.ts";

/** Keys behind a slow door: every answer is a promise, no key is in a slot that the host knows. */
function hardware(context: CryptoContext): CryptoContext {
  const later = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return work();
  };
  return {
    encrypt: (plain, format) => later(() => context.encrypt(plain.slice(), format)),
    decrypt: (data) => later(() => context.decrypt(data)),
    sign: (data, format) => later(() => context.sign(data, format)),
    verify: (data, signature) => later(() => context.verify(data, signature)),
    wrapKey: (key) => later(() => context.wrapKey(key)),
    unwrapKey: (wrapped, spec) => later(() => context.unwrapKey(wrapped, spec)),
    slots: null,
    dispose() {},
  };
}

test.each(["JSON", "CBOR"] as const)(
  "%s: an entity key that answers asynchronously works like one in a slot",
  async (firstFormat) => {
    const world = await World.create();
    const scheme = psk({ contextOf: async (identity) => hardware(world.pskContextOf(identity)!) });
    const exchanges = [world.keyExchange(), [], [ecdh({ core: world.core })]];
    for (const keyExchange of exchanges) {
      const device = await world.device({
        entity: { scheme, data: () => pskData("device-1") },
        serverSchemes: [scheme],
        keyExchange,
        firstFormat,
      });
      for (const body of ["one", "two", "x".repeat(50_000)])
        expect(await (await device.request({ body })).text()).toBe(`ECHO:${body}`);
    }
  },
);

test("the client runs in an engine with nothing but ECMAScript and the core's exports", async () => {
  const bundle = await build({
    stdin: {
      contents: `
        export { createClient, createCore } from "./src/client.ts";
        export { psk, pskData } from "./src/entity-auth/psk.ts";
        export { ecdh } from "./src/key-exchange/ecdh.ts";
        export { memoryPskKeys } from "./src/store/entity-keys.ts";`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "tinymsl",
    platform: "neutral",
    target: "es2020",
  });
  const world = await World.create();
  const { pskEntries } = await import("./world.ts");
  const wasm = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("dist/core.mvp.wasm")), {});
  const host = {
    coreExports: wasm.exports,
    entries: pskEntries(),
    fill: (target: Uint8Array) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
    now: () => 1_700_000_000_000,
    post: (request: Uint8Array) => world.post(request),
    result: "" as unknown,
  };
  // An empty global: only the language, and `host`.
  const context = createContext(Object.assign(Object.create(null), { host }));
  runInContext(
    "for (const name of ['console', 'WebAssembly', 'SharedArrayBuffer', 'Atomics']) delete globalThis[name];",
    context,
  );
  const names = runInContext(
    "typeof TextEncoder + typeof setTimeout + typeof crypto + typeof URL + typeof AbortSignal + typeof process",
    context,
  );
  expect(names).toBe("undefined".repeat(6));
  runInContext(bundle.outputFiles[0]!.text, context);
  const script = `(async () => {
    const { createClient, createCore, psk, pskData, ecdh, memoryPskKeys } = tinymsl;
    const core = createCore(host.coreExports, { fill: host.fill }, "mvp");
    const scheme = psk({ contextOf: memoryPskKeys(core, host.entries) });
    const transport = { async open() {
      const parts = [];
      let answer = null;
      return {
        writer: {
          async write(bytes) { parts.push(...bytes); },
          async end() { answer = await host.post(Uint8Array.from(parts)); },
        },
        reader: { async read() { const bytes = answer; answer = null; return bytes; }, cancel() {} },
        abort() {},
      };
    } };
    const client = await createClient({
      core, clock: { nowMs: host.now }, timers: null, gzip: null, transport,
      entity: { scheme, data: () => pskData("device-1") },
      serverSchemes: [scheme], keyExchange: [ecdh({ core })],
    });
    const first = await (await client.request({ body: "bare" })).text();
    return first + "|" + await (await client.request({ body: "engine" })).text();
  })()`;
  expect(await runInContext(script, context)).toBe("ECHO:bare|ECHO:engine");
});

test("the fetch transport and the fetch-style handler carry messages, without a Content-Type from the client", async () => {
  const world = await World.create();
  const seen: (string | null)[] = [];
  const handler = fetchHandler(
    async (reader, writer) => {
      const parts: Uint8Array[] = [];
      for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) parts.push(bytes);
      await writer.write(await world.post(...parts));
    },
    { respond: (body, init) => new Response(body as unknown as BodyInit, init), cors: ["https://tv.example"] },
  );
  const fetch = async (url: string, init: { body: Uint8Array }) => {
    const request = new Request(url, { method: "POST", body: init.body as unknown as BodyInit });
    seen.push(request.headers.get("content-type"));
    return (await handler(request as never)) as never;
  };
  const device = await world.device({ transport: fetchTransport("http://127.0.0.1/msl", fetch as never) });
  expect(await (await device.request({ body: "hi" })).text()).toBe("ECHO:hi");
  expect(seen).toEqual([null]);
  const preflight = (await handler(
    new Request("http://h/", { method: "OPTIONS", headers: { origin: "https://tv.example" } }) as never,
  )) as Response;
  expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "https://tv.example"]);
  const stranger = (await handler(
    new Request("http://h/", { method: "OPTIONS", headers: { origin: "https://evil.example" } }) as never,
  )) as Response;
  expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
});

test("a silent connection is dropped after idleMs, the oldest idle one gives way above maxConnections, others are served", async () => {
  const world = await World.create();
  const server = await listen(
    async (reader, writer) => {
      const parts: Uint8Array[] = [];
      for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) parts.push(bytes);
      await writer.write(await world.post(...parts));
    },
    { idleMs: 300, maxConnections: 20, cors: ["*"] },
  );
  const closed: number[] = [];
  const idle = Array.from({ length: 60 }, (_, i) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => closed.push(i));
    return socket;
  });
  await vi.waitFor(() => expect(closed.length).toBeGreaterThanOrEqual(40), 10_000);
  const http = httpTransport(server.url);
  const device = await world.device({ transport: http });
  expect(await (await device.request({ body: "served", timeoutMs: 20_000 })).text()).toBe("ECHO:served");
  await vi.waitFor(() => expect(closed.length).toBe(60), 10_000);
  const slow = connect(server.port, "127.0.0.1");
  const dropped = new Promise((resolve) => slow.on("close", resolve));
  slow.on("error", () => {});
  slow.write("POST /msl HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
  await dropped;
  expect(await (await device.request({ body: "still", timeoutMs: 20_000 })).text()).toBe("ECHO:still");
  for (const socket of idle) socket.destroy();
  http.close();
  await server.close(100);
});

test("connections are used again: handshakes, errors and replies take two at most", async () => {
  const world = await World.create();
  let connections = 0;
  const server = createHttpServer(
    nodeHandler(async (reader, writer) => {
      const parts: Uint8Array[] = [];
      for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) parts.push(bytes);
      await writer.write(await world.post(...parts));
    }),
  );
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  const http = httpTransport(`http://127.0.0.1:${port}/msl`);
  const device = await world.device({ transport: http, entity: world.anonymous() });
  for (let i = 0; i < 10; i++) expect(await (await device.request({ body: `${i}` })).text()).toBe(`ECHO:${i}`);
  const wrong = { id: "u", authenticate: () => emailPasswordData("a@b.c", "wrong") };
  await device.request({ body: "x", user: wrong }).catch(() => {});
  expect(await (await device.request({ body: "last" })).text()).toBe("ECHO:last");
  expect(connections).toBeLessThanOrEqual(2);
  http.close();
  server.close();
});

test("readers and writers of the transport folder give what they were given", async () => {
  const reader = bytesReader(Uint8Array.of(1), Uint8Array.of(2));
  expect([await reader.read(), await reader.read(), await reader.read()]).toEqual([
    Uint8Array.of(1),
    Uint8Array.of(2),
    null,
  ]);
  const writer = new CollectingWriter();
  await writer.write(Uint8Array.of(1));
  await writer.write(Uint8Array.of(2));
  expect(writer.take()).toEqual(Uint8Array.of(1, 2));
});
