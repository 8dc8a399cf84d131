// The demo's world: one trusted server over real HTTP, with its state in a file, and devices with keys of a fresh key file.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientConfig, MessageReport, MslClient, MslServer, UserSession } from "../control/api.ts";
import { createClient } from "../control/client.ts";
import { createServer } from "../control/server.ts";
import type { Core } from "../core/core.ts";
import { loadCore } from "../core/core-node.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { psk, pskData } from "../entity-auth/psk.ts";
import { ecdh } from "../key-exchange/ecdh.ts";
import { nodeTimers } from "../platform/clock-node.ts";
import { nodeGzip } from "../platform/gzip-node.ts";
import { type KeysFile, parseKeysFile } from "../cli/keys-file.ts";
import { keygen } from "../cli/keygen.ts";
import { openIssuerFile } from "../store/issuer-file-node.ts";
import type { IssuerState } from "../tokens/issuer-state.ts";
import { tokenKeys } from "../tokens/token-crypto.ts";
import { createTokenIssuer } from "../tokens/token-issuer.ts";
import { httpTransport } from "../transport/http-node.ts";
import { type ListeningServer, listen } from "../transport/server-node.ts";
import { emailPassword, emailPasswordData } from "../user-auth/email-password.ts";
import { RecordingTransport } from "./recording.ts";

export const DEVICE = "tv-0001";
const USER = { id: "alice", email: "alice@example.com", password: "correct horse" };

/** A clock that the demo moves, so that nobody waits for a renewal. */
export class DemoClock {
  aheadMs = 0;

  nowMs(): number {
    return Date.now() + this.aheadMs;
  }
}

export async function makeKeys(): Promise<{ readonly text: string; readonly file: KeysFile }> {
  const lines: string[] = [];
  const io = {
    out: (line: string) => void lines.push(line),
    err() {},
    isTerminal: false,
    stdin: async () => new Uint8Array(0),
    onStop() {},
  };
  await keygen(["--psk", DEVICE, "--user", `${USER.id}:${USER.email}:${USER.password}`], io);
  const text = lines.join("\n");
  return { text, file: parseKeysFile(JSON.parse(text)) };
}

export class DemoWorld {
  readonly clock = new DemoClock();
  /** What the server saw and sent, newest last. */
  readonly reports: MessageReport[] = [];
  readonly keys: KeysFile;
  readonly #core: Core;
  readonly #folder = mkdtempSync(join(tmpdir(), "tinymsl-demo-"));
  #running: { listening: ListeningServer; server: MslServer; state: IssuerState; core: Core } | null = null;
  #port = 0;

  constructor(keys: KeysFile, core: Core) {
    this.keys = keys;
    this.#core = core;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/msl`;
  }

  get port(): number {
    return this.#port;
  }

  async startServer(): Promise<void> {
    const core = await loadCore();
    const { clock } = this;
    const state = await openIssuerFile(join(this.#folder, "server"));
    const crypto = tokenKeys([this.keys.issuerContext(core)]);
    const contexts = this.keys.pskContexts(core);
    const server = await createServer({
      core,
      clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      entity: { scheme: psk({ contextOf: contexts }), data: () => pskData("server") },
      entitySchemes: [psk({ contextOf: contexts })],
      userSchemes: [
        emailPassword({
          verify: (email, password) => (email === USER.email && password === USER.password ? USER.id : null),
        }),
      ],
      keyExchange: [ecdh({ core })],
      tokenCrypto: crypto,
      issuer: createTokenIssuer({ core, crypto, state, clock }),
      onMessage: (report) => this.reports.push(report),
    });
    const listening = await listen(
      (reader, writer, { signal }) =>
        server.receive(reader, writer, async (request) => ({ body: `ECHO:${await request.text()}` }), { signal }),
      { port: this.#port },
    );
    this.#port = listening.port;
    this.#running = { listening, server, state, core };
  }

  async stopServer(): Promise<void> {
    if (this.#running === null) return;
    const { listening, server, state, core } = this.#running;
    this.#running = null;
    await listening.close(500);
    await state.close();
    await server.close();
    core.dispose();
  }

  /** A device that talks to `port`, with the bytes of its exchanges kept. */
  async device(
    options: Partial<ClientConfig> = {},
    port = this.#port,
  ): Promise<{ client: MslClient; wire: RecordingTransport; close(): void }> {
    const core = this.#core;
    const contexts: (identity: string) => CryptoContext | null = this.keys.pskContexts(core);
    const http = httpTransport(`http://127.0.0.1:${port}/msl`);
    const wire = new RecordingTransport(http);
    const scheme = psk({ contextOf: contexts });
    const client = await createClient({
      core,
      clock: this.clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      transport: wire,
      entity: { scheme, data: () => pskData(DEVICE) },
      serverSchemes: [scheme],
      keyExchange: [ecdh({ core })],
      expectSender: "server",
      ...options,
    });
    return { client, wire, close: () => http.close() };
  }

  readonly user: UserSession = {
    id: USER.id,
    authenticate: ({ required }) => (required ? emailPasswordData(USER.email, USER.password) : null),
  };

  async close(): Promise<void> {
    await this.stopServer();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
