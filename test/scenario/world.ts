// A small world for scenario tests: a server and devices over a loopback transport, with a clock that tests move.

import type {
  Admission,
  ClientConfig,
  MessageReport,
  MslClient,
  RequestHandler,
  ServerConfig,
} from "../../src/control/api.ts";
import { createClient } from "../../src/control/client.ts";
import { createServer } from "../../src/control/server.ts";
import type { Core } from "../../src/core/core.ts";
import { ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import type { ByteReader, ByteWriter, Transport } from "../../src/platform/transport.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import type { IssuerState } from "../../src/tokens/issuer-state.ts";
import { type TokenCrypto, tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { emailPassword, emailPasswordData } from "../../src/user-auth/email-password.ts";
import { testCore, wireOf } from "../variant.ts";

export const clock = {
  ms: 1_700_000_000_000,
  nowMs() {
    return this.ms;
  },
};

const keyBytes = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255);

export function pskEntries() {
  return ["server", "device-1", "device-2"].map((identity, i) => ({
    identity,
    encryptionKey: keyBytes(i + 1, 16),
    macKey: keyBytes(i + 50, 32),
  }));
}

/** The keys that every server of these tests issues tokens under. */
export function issuerKeys(core: Core): TokenCrypto {
  return tokenKeys([
    slotContext(core, {
      keyId: "tokens",
      encryption: core.importKey(ENCRYPTION_KEY, keyBytes(90, 16)),
      mac: core.importKey(MAC_KEY, keyBytes(91, 32)),
    }),
  ]);
}

export interface WorldOptions {
  readonly issuer?: Partial<IssuerConfig>;
  readonly server?: Partial<ServerConfig>;
  readonly handler?: RequestHandler;
  readonly state?: IssuerState;
  /** Parts of the server's configuration that need its core, or this world. */
  readonly extend?: (core: Core, world: World) => Partial<ServerConfig>;
}

/** One server; `exchanges` are the wire bytes of each exchange, `reports` what the server saw. */
export class World {
  readonly core: Core;
  readonly state: IssuerState;
  readonly reports: MessageReport[] = [];
  readonly wire: { request: Uint8Array; response: Uint8Array }[] = [];
  readonly transport: Transport;
  readonly pskContextOf: ReturnType<typeof memoryPskKeys>;
  /** Changes bytes on their way; tests set it. */
  tamper: ((bytes: Uint8Array, direction: "request" | "response", n: number) => Uint8Array) | null = null;

  private constructor(core: Core, options: WorldOptions, receive: Parameters<typeof loopbackTransport>[0]) {
    this.core = core;
    this.state = options.state ?? new IssuerMemory();
    this.pskContextOf = memoryPskKeys(core, pskEntries());
    this.transport = loopbackTransport(receive);
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const core = await testCore();
    let world: World;
    const endpoint: Parameters<typeof loopbackTransport>[0] = async (reader, writer) => {
      const request: Uint8Array[] = [];
      for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) request.push(bytes);
      const n = world.wire.length;
      const sent = Buffer.concat(request);
      const arrived = world.tamper?.(new Uint8Array(sent), "request", n) ?? new Uint8Array(sent);
      const entry: { request: Uint8Array; response: Uint8Array } = { request: arrived, response: new Uint8Array(0) };
      world.wire.push(entry);
      entry.response = await world.post(arrived);
      const response = world.tamper?.(entry.response, "response", n) ?? entry.response;
      if (response.length > 0) await writer.write(response);
    };
    world = new World(core, options, endpoint);
    const crypto = issuerKeys(core);
    const issuer = createTokenIssuer({ core, crypto, state: world.state, clock, ...options.issuer });
    world.#server = await createServer({
      core,
      clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      entity: { scheme: world.psk(), data: () => pskData("server") },
      entitySchemes: [world.psk(), none()],
      userSchemes: [
        emailPassword({ verify: (email, password) => (email === "a@b.c" && password === "secret" ? "user-1" : null) }),
      ],
      keyExchange: world.keyExchange(),
      tokenCrypto: crypto,
      issuer,
      onMessage: (report) => world.reports.push(report),
      capabilities: wireOf("server").capabilities ?? {},
      ...options.server,
      ...options.extend?.(core, world),
    });
    world.#handler = options.handler ?? (async (request) => ({ body: `ECHO:${await request.text()}` }));
    return world;
  }

  #server!: Awaited<ReturnType<typeof createServer>>;
  #handler!: RequestHandler;

  psk() {
    return psk({ contextOf: this.pskContextOf });
  }

  keyExchange(): KeyExchange[] {
    return [ecdh({ core: this.core }), symmetricWrapped({ core: this.core, pskContextOf: this.pskContextOf })];
  }

  /** Posts raw message bytes to the server and collects the answer. */
  async post(...parts: Uint8Array[]): Promise<Uint8Array> {
    return this.#receive(null, parts);
  }

  /** As `post`, refusing the message as `admit` says. */
  async postWith(admit: Admission, ...parts: Uint8Array[]): Promise<Uint8Array> {
    return this.#receive(admit, parts);
  }

  /** As `post`, answering into a writer of the test. */
  async receiveInto(writer: ByteWriter, ...parts: Uint8Array[]): Promise<void> {
    let i = 0;
    const reader = { read: async () => parts[i++] ?? null, cancel() {} };
    await this.#server.receive(reader, writer, this.#handler);
  }

  async #receive(admit: Admission | null, parts: Uint8Array[]): Promise<Uint8Array> {
    const out: Uint8Array[] = [];
    let i = 0;
    await this.#server.receive(
      { read: async () => parts[i++] ?? null, cancel() {} },
      { write: async (bytes) => void out.push(bytes), end: async () => {} },
      this.#handler,
      admit === null ? {} : { admit },
    );
    return new Uint8Array(Buffer.concat(out));
  }

  /** Ends the server, with the sessions that it kept at hand. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Answers one exchange as its bytes come. */
  serve(reader: ByteReader, writer: ByteWriter): Promise<void> {
    return this.#server.receive(reader, writer, this.#handler);
  }

  async device(overrides: Partial<ClientConfig> = {}, identity = "device-1"): Promise<MslClient> {
    return createClient({
      core: this.core,
      clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      transport: this.transport,
      entity: { scheme: this.psk(), data: () => pskData(identity) },
      serverSchemes: [this.psk()],
      keyExchange: this.keyExchange(),
      ...wireOf("device"),
      ...overrides,
    });
  }

  entity(identity: string) {
    return { scheme: this.psk(), data: (_reason: string | null) => pskData(identity) };
  }

  anonymous(identity = "anon-1") {
    return { scheme: none(), data: () => noneData(identity) };
  }
}

export const user = (password = "secret") => ({
  id: "local-user",
  authenticate: () => emailPasswordData("a@b.c", password),
});
