// `tinymsl request`: a device that sends requests to a server, one result object a request on standard output.

import { readFileSync } from "node:fs";
import type { ClientConfig, MessageReport } from "../control/api.ts";
import { createClient } from "../control/client.ts";
import { loadCore } from "../core/core-node.ts";
import { encodeBase64 } from "../encoding/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../encoding/utf8.ts";
import { MslError, MslProtocolError, MslRemoteError } from "../errors/msl-error.ts";
import { nodeClock, nodeTimers } from "../platform/clock-node.ts";
import { nodeGzip } from "../platform/gzip-node.ts";
import type { Transport } from "../platform/transport.ts";
import { fileStorage } from "../store/file-storage-node.ts";
import { httpTransport } from "../transport/http-node.ts";
import { compatOption, coreOption } from "./core-option.ts";
import { entitySchemes, identityOf, localEntity, serverSchemes } from "./entities.ts";
import { offeredExchanges } from "./exchanges.ts";
import type { Io } from "./io.ts";
import { readKeysFile } from "./keys-file.ts";
import { entityName, KEY_SUPPORT, keyExchangeNames, userName } from "./names.ts";
import { fail, parseOptions } from "./options.ts";
import { type Asker, peerAsker } from "./request-peer.ts";
import { logLine } from "./serve.ts";
import { userSchemes, userSession } from "./users.ts";

const SPEC = {
  keys: "value",
  entity: "value",
  keyx: "value",
  "keyx-support": "value",
  user: "value",
  body: "value",
  "non-replayable": "flag",
  "no-encrypt": "flag",
  format: "value",
  repeat: "value",
  store: "value",
  peer: "value",
  network: "value",
  core: "value",
  compat: "value",
} as const;

/** Exit code 0 if every request succeeded. */
export async function request(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, SPEC, 1);
  const url = serverUrl(options.positional[0]);
  const keys = readKeysFile(options.required("keys"));
  const entity = entityName(options.required("entity"));
  const exchanges = keyExchangeNames(options.get("keyx") ?? "NONE");
  const keyExchangeSupport = options.choice("keyx-support", KEY_SUPPORT, "known");
  const userText = options.get("user");
  const userNamed = userText === null ? null : userName(userText);
  const body = bodyOf(options.get("body") ?? "");
  const format = options.has("format") ? options.choice("format", ["JSON", "CBOR"], "JSON") : null;
  const repeat = options.integer("repeat", 1, 1e9, 1);
  const peerText = options.get("peer");
  const peerEntity = peerText === null ? null : entityName(peerText);
  const isCompat = compatOption(options);
  const core = await loadCore(coreOption(options));
  const contexts = keys.pskContexts(core);
  const schemes = entitySchemes(keys, { psk: contexts }, { core, clock: nodeClock, local: entity });
  const local = await localEntity(keys, schemes, entity, core, nodeClock);
  const user = userNamed === null ? null : await userSession(keys, userNamed, { core, local });
  const peer = peerEntity === null ? null : await identityOf(keys, peerEntity, core, nodeClock);
  const isTcp = url.protocol === "tcp:";
  const isPeer = options.choice("network", ["tn", "p2p"], isTcp ? "p2p" : "tn") === "p2p";
  if (isTcp && !isPeer) fail("a tcp URL is for peers: --network p2p");
  const store = options.get("store");
  const around = { core, clock: nodeClock, timers: nodeTimers, psk: contexts, isCompat };
  const offered = await offeredExchanges(exchanges, keys, around, (ladder) =>
    store === null ? null : fileStorage(`${store}.${ladder.toLowerCase()}`),
  );
  const http = httpTransport(isTcp ? new URL("http://localhost/") : url);
  const counting = new CountingTransport(http);
  let reports: MessageReport[] = [];
  const config: ClientConfig = {
    core,
    clock: nodeClock,
    timers: nodeTimers,
    gzip: nodeGzip,
    transport: counting,
    entity: local,
    serverSchemes: serverSchemes(schemes, local.scheme),
    keyExchange: offered,
    keyExchangeSupport,
    ...(format !== null && { capabilities: { formats: [format] }, firstFormat: format }),
    storage: store === null ? null : fileStorage(store),
    expectSender: peer,
    ...(isCompat && { allowTruncated: true, requireReply: { encrypted: false, integrity: false } }),
    onMessage: (report) => reports.push(report),
  };
  const client: Asker = isPeer
    ? await peerAsker({
        url,
        keys,
        config,
        entitySchemes: config.serverSchemes,
        userSchemes: (issuing) => userSchemes(keys, { core, clock: nodeClock, ...issuing }),
        store,
      })
    : await createClient(config);
  const serviceTokens = { crypto: keys.serviceTokenContexts(core) };
  let failures = 0;
  for (let i = 0; i < repeat; i++) {
    reports = [];
    counting.opened = 0;
    const start = performance.now();
    const facts = () => measured(reports, isTcp ? countSent(reports) : counting.opened, start);
    try {
      const reply = await client.request({
        body,
        encrypted: !options.has("no-encrypt"),
        nonReplayable: options.has("non-replayable"),
        user,
        serviceTokens,
      });
      const bytes = await reply.bytes();
      const text = decodeUtf8(bytes);
      io.out(
        JSON.stringify({
          ok: true,
          body: text,
          ...(text === null && { bodyBase64: encodeBase64(bytes) }),
          sender: reply.sender,
          user: user === null || !client.session.hasUser(user.id) ? null : user.id,
          masterToken: client.session.masterToken,
          ...facts(),
        }),
      );
    } catch (error) {
      failures++;
      io.out(JSON.stringify({ ok: false, error: describe(error), ...facts() }));
    }
  }
  await client.close();
  http.close();
  core.dispose();
  return failures === 0 ? 0 : 1;
}

function serverUrl(text: string | undefined): URL {
  if (text === undefined) return fail("the server's URL is required");
  try {
    const url = new URL(text);
    if (["http:", "https:", "tcp:"].includes(url.protocol)) return url;
  } catch {
    // Said below.
  }
  return fail(`${text} is no http or tcp URL`);
}

function bodyOf(text: string): Uint8Array {
  if (!text.startsWith("@")) return encodeUtf8(text) ?? fail("--body is text or @FILE");
  try {
    return new Uint8Array(readFileSync(text.slice(1)));
  } catch {
    return fail(`--body: ${text.slice(1)} cannot be read`);
  }
}

class CountingTransport implements Transport {
  opened = 0;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  open(options: Parameters<Transport["open"]>[0]): ReturnType<Transport["open"]> {
    this.opened++;
    return this.#transport.open(options);
  }
}

/** On one connection, each message sent is a round. */
function countSent(reports: readonly MessageReport[]): number {
  return reports.filter((report) => report.direction === "out").length;
}

function measured(reports: readonly MessageReport[], roundTrips: number, start: number) {
  const total = (direction: "in" | "out") =>
    reports.reduce((n, report) => n + (report.direction === direction ? report.bytes : 0), 0);
  return {
    roundTrips,
    bytesSent: total("out"),
    bytesReceived: total("in"),
    ms: Math.round((performance.now() - start) * 1000) / 1000,
    messages: reports.map(messageLine),
  };
}

function messageLine(report: MessageReport): Record<string, unknown> {
  const { sender: _, ...line } = logLine(report);
  return line;
}

function describe(error: unknown): Record<string, unknown> {
  if (error instanceof MslRemoteError) {
    const { code, internalCode, responseCode, userText } = error;
    return {
      origin: "remote",
      code,
      internalCode,
      responseCode,
      message: error.message,
      ...(userText !== null && { userText }),
    };
  }
  if (error instanceof MslProtocolError) {
    const { code, internalCode, responseCode } = error;
    return { origin: "local", code, internalCode, responseCode, message: error.message };
  }
  const code = error instanceof MslError ? error.code : "INTERNAL_EXCEPTION";
  const message = error instanceof Error ? error.message : "unknown failure";
  return { origin: "local", code, internalCode: null, responseCode: null, message };
}
