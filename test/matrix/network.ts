// A trusted services network of one cell of the matrix: each side with a core of its own, of the output that the cell
// says, listing the formats that it says; every scheme, with the keys of the recorded vectors.

import type { ClientConfig, LocalEntity, MessageReport, RequestHandler, ServerConfig } from "../../src/control/api.ts";
import { createClient } from "../../src/control/client.ts";
import { createServer } from "../../src/control/server.ts";
import type { Core } from "../../src/core/core.ts";
import { RSA_DECRYPTION } from "../../src/core/key-specs.ts";
import { acceptedExchanges, offeredExchanges } from "../../src/cli/exchanges.ts";
import { entitySchemes, localEntity, serverSchemes } from "../../src/cli/entities.ts";
import { readKeysFile } from "../../src/cli/keys-file.ts";
import { entityName } from "../../src/cli/names.ts";
import { userSchemes } from "../../src/cli/users.ts";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { provisioned } from "../../src/entity-auth/provisioned.ts";
import { asymmetricWrapped, type WrappingMechanism } from "../../src/key-exchange/asymmetric-wrapped.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import type { ByteWriter, Transport } from "../../src/platform/transport.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { type TokenKeyRing, tokenKeyRing } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { Pipe } from "../../src/transport/pipe.ts";
import { emailPasswordData } from "../../src/user-auth/email-password.ts";
import type { Output } from "../core/raw/raw-core.ts";
import { testCore } from "../variant.ts";
import { type Wire, WIRES } from "../wires.ts";
import { expectFormats, messageFacts, type Seen, tokenFacts } from "./facts.ts";

/** What a scenario is run with. */
export interface Cell {
  readonly device: Output;
  readonly server: Output;
  readonly wire: Wire;
}

export const keys = readKeysFile("test/vectors/keys.json");
const START_MS = 1_790_000_000_000;
export const START_SEC = START_MS / 1000;

const cores = new Map<string, Promise<Core>>();

/** One core for each side and output of a test file: scenarios share its slots, as the devices of a process do. */
export function coreOf(output: Output, side: string): Promise<Core> {
  const name = `${output} ${side}`;
  const core = cores.get(name) ?? testCore(output);
  cores.set(name, core);
  return core;
}

export interface NetworkOptions {
  readonly entity?: string;
  readonly issuer?: Partial<IssuerConfig>;
  readonly config?: Partial<ServerConfig>;
  readonly handler?: RequestHandler;
}

export const echo: RequestHandler = async (request) => ({ body: `ECHO:${await request.text()}` });

export class Network {
  readonly cell: Cell;
  readonly clock = {
    ms: START_MS,
    nowMs() {
      return this.ms;
    },
  };
  readonly state = new IssuerMemory();
  readonly reports: MessageReport[] = [];
  readonly devices: Device[] = [];
  readonly core: Core;
  readonly tokenCrypto: TokenKeyRing;
  #server!: Awaited<ReturnType<typeof createServer>>;
  readonly #handler: RequestHandler;

  private constructor(cell: Cell, core: Core, handler: RequestHandler) {
    this.cell = cell;
    this.core = core;
    this.tokenCrypto = tokenKeyRing(keys.issuerContext(core), this.clock);
    this.#handler = handler;
  }

  static async create(cell: Cell, options: NetworkOptions = {}): Promise<Network> {
    const core = await coreOf(cell.server, "server");
    const network = new Network(cell, core, options.handler ?? echo);
    const { clock, state, tokenCrypto } = network;
    const issuer = createTokenIssuer({ core, crypto: tokenCrypto, state, clock, ...options.issuer });
    const psk = keys.pskContexts(core);
    const local = entityName(options.entity ?? "PSK:VEC-SERVER");
    const around = { core, clock, tokenCrypto, issuer, local };
    let made = 0;
    const schemes = entitySchemes(keys, { psk }, around).map((scheme) =>
      scheme.name === "PROVISIONED"
        ? provisioned({ nextIdentity: () => `provisioned-${++made}`, limit: null })
        : scheme,
    );
    network.#server = await createServer({
      core,
      clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      entity: await localEntity(keys, schemes, local, core, clock),
      entitySchemes: schemes,
      userSchemes: userSchemes(keys, around),
      keyExchange: acceptedExchanges(keys, { core, clock, timers: nodeTimers, psk, isCompat: false }, tokenCrypto),
      tokenCrypto,
      issuer,
      onMessage: (report) => network.reports.push(report),
      ...options.config,
      capabilities: { ...WIRES[cell.wire].server.capabilities, ...options.config?.capabilities },
    });
    return network;
  }

  /** Answers one exchange as its bytes come; `bytes` collects the message of each direction. */
  transport(record: Seen[]): Transport {
    return {
      open: async () => {
        const request = new Pipe();
        const response = new Pipe();
        this.#server.receive(request, recorded(response, "response", record), this.#handler).then(
          () => response.end(),
          () => response.fail("failed"),
        );
        const abort = () => {
          request.fail("Aborted.");
          response.fail("Aborted.");
        };
        return { duplex: "full", writer: recorded(request, "request", record), reader: response, abort };
      },
    };
  }

  /** Posts a message that was seen before. */
  async post(bytes: Uint8Array): Promise<void> {
    const { reader, writer } = await this.transport([]).open({ signal: null });
    await writer.write(bytes);
    await writer.end();
    while ((await reader.read()) !== null);
  }

  async device(options: DeviceOptions = {}): Promise<Device> {
    const device = await Device.create(this, options);
    this.devices.push(device);
    return device;
  }

  /** What the server saw, and each device; the formats of all messages are those of the cell. */
  facts() {
    for (const device of this.devices) device.expectFormats();
    return { server: messageFacts(this.reports), devices: this.devices.map((d) => messageFacts(d.reports)) };
  }
}

/** Collects what is written as one message. */
function recorded(pipe: Pipe, direction: Seen["direction"], record: Seen[]): ByteWriter {
  const message = { direction, bytes: new Uint8Array(0) };
  return {
    write(bytes) {
      if (message.bytes.length === 0) record.push(message);
      message.bytes = new Uint8Array(Buffer.concat([message.bytes, bytes]));
      return pipe.write(bytes);
    },
    end: () => pipe.end(),
  };
}

export interface DeviceOptions {
  readonly entity?: string;
  readonly keyx?: readonly string[];
  readonly config?: Partial<ClientConfig>;
  /** Goes on with the state of an earlier device, which knows the server. */
  readonly isRestored?: boolean;
}

export class Device {
  readonly network: Network;
  readonly reports: MessageReport[] = [];
  readonly wire: Seen[] = [];
  readonly isRestored: boolean;
  readonly core: Core;
  client!: Awaited<ReturnType<typeof createClient>>;
  entity!: LocalEntity;

  private constructor(network: Network, core: Core, isRestored: boolean) {
    this.network = network;
    this.core = core;
    this.isRestored = isRestored;
  }

  static async create(network: Network, options: DeviceOptions): Promise<Device> {
    const { clock, cell } = network;
    const core = await coreOf(cell.device, "device");
    const device = new Device(network, core, options.isRestored === true);
    const psk = keys.pskContexts(core);
    const local = entityName(options.entity ?? "PSK:VEC-PSK-1");
    const schemes = entitySchemes(keys, { psk }, { core, clock, local });
    device.entity = await localEntity(keys, schemes, local, core, clock);
    const formats = WIRES[cell.wire].device;
    device.client = await createClient({
      core,
      clock,
      timers: nodeTimers,
      gzip: nodeGzip,
      transport: network.transport(device.wire),
      entity: device.entity,
      serverSchemes: serverSchemes(schemes, device.entity.scheme),
      keyExchange: await offered(core, options.keyx ?? ["ECDH:X25519"], { core, clock, psk }),
      onMessage: (report) => device.reports.push(report),
      ...formats,
      ...options.config,
      capabilities: { ...formats.capabilities, ...options.config?.capabilities },
    });
    return device;
  }

  async ask(body = "hello", init: Parameters<Device["client"]["request"]>[0] = {}): Promise<string> {
    return (await this.client.request({ body, ...init })).text();
  }

  expectFormats(): void {
    expectFormats(this.wire, this.core, this.network.cell.wire, this.isRestored);
  }

  /** A user's tokens, as the issuer reads them. */
  async tokens(user: string): Promise<unknown> {
    const held = this.client.session.tokensOf(user);
    return held && tokenFacts(held, this.network.tokenCrypto, this.network.core, START_SEC);
  }
}

/** As the command line makes them; key pairs of ASYMMETRIC_WRAPPED are the vectors' one, since core.js is slow to make one. */
async function offered(
  core: Core,
  names: readonly string[],
  around: Omit<Parameters<typeof offeredExchanges>[2], "timers" | "isCompat">,
): Promise<readonly KeyExchange[]> {
  const [name = ""] = names;
  if (!name.startsWith("ASYMMETRIC_WRAPPED:")) {
    return offeredExchanges(names, keys, { ...around, timers: nodeTimers, isCompat: false }, () => null);
  }
  const mechanism = name.slice(name.indexOf(":") + 1) as WrappingMechanism;
  const keyPair = () => {
    const { key, rsa } = importPrivateKey(core, keys.keyx!.pkcs8()!, RSA_DECRYPTION);
    return { keyPairId: keys.keyx!.keyPairId, privateKey: key, publicKey: rsa!, owns: true };
  };
  return [asymmetricWrapped({ core, timers: nodeTimers, mechanisms: [mechanism], keyPair })];
}

/** A user of the key file, who gives the password when asked for one. */
export function user(n = 0, password = keys.users[n]!.password) {
  const { id, email } = keys.users[n]!;
  return {
    id,
    authenticate: ({ required, reason }: { required: boolean; reason: string | null }) =>
      required || reason !== null ? emailPasswordData(email, password) : null,
  };
}
