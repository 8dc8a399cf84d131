// `tinymsl serve`: a trusted server from a key file. Line 1 says where it listens, then one line a message. The fault
// options let anyone test a client's recovery against it.

import { join } from "node:path";
import type {
  Admission,
  MessageReport,
  RejectInit,
  ResponseInit,
  ServerConfig,
  ServerRequest,
  ServiceTokenEditor,
} from "../control/api.ts";
import { createServer } from "../control/server.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../core/core.ts";
import { loadCore } from "../core/core-node.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { slotContext } from "../crypto/symmetric.ts";
import type { Format } from "../encoding/codec.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { ERRORS, type MslErrorCode } from "../errors/codes.ts";
import { nodeClock, nodeTimers } from "../platform/clock-node.ts";
import { nodeGzip } from "../platform/gzip-node.ts";
import { openIssuerFile } from "../store/issuer-file-node.ts";
import { IssuerMemory } from "../store/issuer-memory.ts";
import type { IssuerState } from "../tokens/issuer-state.ts";
import { tokenKeyRing } from "../tokens/token-crypto.ts";
import { createTokenIssuer, type TokenLife } from "../tokens/token-issuer.ts";
import { type ListenOptions, listen } from "../transport/server-node.ts";
import { compatOption, coreOption } from "./core-option.ts";
import { entitySchemes, localEntity } from "./entities.ts";
import { acceptedExchanges } from "./exchanges.ts";
import type { Io } from "./io.ts";
import { type KeysFile, readKeysFile } from "./keys-file.ts";
import { entityName, schemeNames } from "./names.ts";
import { servePeer } from "./serve-peer.ts";
import { userSchemes } from "./users.ts";
import { fail, type Options, parseOptions, wholeNumber } from "./options.ts";

const SPEC = {
  keys: "value",
  host: "value",
  port: "value",
  cors: "list",
  network: "value",
  entity: "value",
  format: "value",
  keyx: "value",
  state: "value",
  core: "value",
  compat: "value",
  fail: "list",
  reauth: "list",
  revoke: "list",
  "rotate-after": "value",
  "token-life": "value",
  "service-token": "list",
} as const;

const GRACE_MS = 5000;
/** Rotated token keys verify for as long as tokens live. */
const KEEP_SEC = 14 * 24 * 3600;

/** Runs until the process is asked to stop. */
export async function serve(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, SPEC, 0);
  const isPeer = options.choice("network", ["tn", "p2p"], "tn") === "p2p";
  const keys = readKeysFile(options.required("keys"));
  const entity = entityName(options.get("entity") ?? `PSK:${keys.serverPskIdentity ?? fail("--entity is required")}`);
  const formats = formatList(options.get("format") ?? "CBOR,JSON");
  const isCompat = compatOption(options);
  const accepted = options.has("keyx") ? schemeNames(options.required("keyx")) : null;
  const faults = parseFaults(options);
  const core = await loadCore(coreOption(options));
  const state = await openState(stateOption(options), keys);
  for (const identity of options.all("revoke")) await state.revokeEntity(identity);
  const issuing = isPeer ? keys.peerIssuerContext(core) : keys.issuerContext(core);
  const crypto = tokenKeyRing(issuing ?? fail("the key file has no peermsl"), nodeClock);
  const contexts = keys.pskContexts(core);
  const policy = { isRevoked: (identity: string) => state.isEntityRevoked(identity) };
  const serviceTokens = serviceTokenHooks(options, keys, core);
  const life = tokenLife(options.get("token-life"));
  const issuer = createTokenIssuer({
    core,
    crypto,
    state,
    clock: nodeClock,
    replayMode: isCompat ? "strict" : "window",
    ...(life !== null && { masterTokenLife: life, userIdTokenLife: life }),
  });
  const around = { core, clock: nodeClock, policy, tokenCrypto: crypto, issuer, local: entity };
  const schemes = entitySchemes(keys, { psk: contexts }, around);
  const config: ServerConfig = {
    core,
    clock: nodeClock,
    timers: nodeTimers,
    gzip: nodeGzip,
    entity: await localEntity(keys, schemes, entity, core, nodeClock),
    entitySchemes: schemes,
    userSchemes: userSchemes(keys, { core, clock: nodeClock, tokenCrypto: crypto, issuer }),
    keyExchange: acceptedExchanges(
      keys,
      { core, clock: nodeClock, timers: nodeTimers, psk: contexts, isCompat },
      crypto,
    ).filter(({ name }) => accepted?.includes(name) !== false),
    tokenCrypto: crypto,
    issuer,
    capabilities: { formats },
    serviceTokens,
    ...(isCompat && { allowTruncated: true, strictKeyRequests: true, inferHandshake: true }),
    onMessage: (report) => io.out(JSON.stringify(logLine(report))),
  };
  const rotateAfter = options.integer("rotate-after", 0, 1e9, 0);
  let count = 0;
  const next = (): Admission => {
    const n = ++count;
    if (rotateAfter > 0 && n === rotateAfter + 1) crypto.rotate(freshTokenKeys(core), KEEP_SEC);
    return () => faultFor(faults, n);
  };
  const where = {
    host: options.get("host") ?? "127.0.0.1",
    port: options.integer("port", 0, 65535, 0),
    cors: options.all("cors"),
    onError: (error: unknown) => io.err(`not answered: ${error instanceof Error ? error.message : "unknown failure"}`),
  };
  if (isPeer) {
    await servePeer(
      config,
      { folder: stateFolder(stateOption(options)), listen: where, admitNext: next, answer: echo },
      io,
    );
  } else {
    await serveNetwork(config, where, next, io);
  }
  await state.close();
  core.dispose();
  return 0;
}

async function serveNetwork(config: ServerConfig, where: ListenOptions, next: () => Admission, io: Io): Promise<void> {
  const server = await createServer(config);
  const listening = await listen((reader, writer, { signal }) => {
    const admit = next();
    const options = { signal, admit };
    return server.receive(reader, writer, answer, options);
  }, where);
  io.out(JSON.stringify({ listening: listening.url }));
  await new Promise<void>((resolve) => io.onStop(resolve));
  await listening.close(GRACE_MS);
  await server.close();
}

/** Echoes under the protection that the request had: who asked without encryption is answered. */
async function answer(request: ServerRequest): Promise<ResponseInit> {
  const { encrypted, integrityProtected: integrity } = request;
  return { body: await echo(request.bytes()), encrypted, integrity };
}

async function echo(body: Promise<Uint8Array>): Promise<Uint8Array> {
  const bytes = await body;
  const out = new Uint8Array(bytes.length + 5);
  out.set(encodeUtf8("ECHO:")!);
  out.set(bytes, 5);
  return out;
}

function formatList(text: string): readonly Format[] {
  const formats = text.split(",");
  const known = formats.every((format) => format === "JSON" || format === "CBOR");
  return known && new Set(formats).size === formats.length
    ? (formats as Format[])
    : fail("--format is a list of CBOR and JSON");
}

function stateOption(options: Options): string {
  const where = options.get("state") ?? "memory";
  const isKnown = where === "memory" || (where.startsWith("file:") && where.length > "file:".length);
  return isKnown ? where : fail("--state is memory or file:DIR");
}

function stateFolder(where: string): string | null {
  return where === "memory" ? null : where.slice("file:".length);
}

async function openState(where: string, keys: KeysFile): Promise<IssuerState> {
  const state = where === "memory" ? new IssuerMemory() : await openIssuerFile(join(where.slice("file:".length)));
  for (const identity of keys.revoked) if (!(await state.isEntityRevoked(identity))) await state.revokeEntity(identity);
  return state;
}

function tokenLife(text: string | null): TokenLife | null {
  if (text === null) return null;
  const [life = "", renew = life, ...more] = text.split(",");
  if (more.length > 0) fail("--token-life is SEC or SEC,RENEW_SEC");
  const expireSec = wholeNumber(life, -1e9, 1e9, "--token-life");
  const renewSec = wholeNumber(renew, -1e9, 1e9, "--token-life");
  return renewSec <= expireSec ? { expireSec, renewSec } : fail("--token-life: the renewal window opens before expiry");
}

function freshTokenKeys(core: Core): CryptoContext {
  const encryption = core.generateKey(ENCRYPTION_KEY, 16);
  return slotContext(core, { keyId: "rotated", encryption, mac: core.generateKey(MAC_KEY, 32), owns: true });
}

function serviceTokenHooks(options: Options, keys: KeysFile, core: Core) {
  const crypto = keys.serviceTokenContexts(core);
  const added = options.all("service-token").map((text) => {
    const equals = text.indexOf("=");
    if (equals < 1) fail("--service-token is NAME=VALUE");
    return {
      name: text.slice(0, equals),
      value: encodeUtf8(text.slice(equals + 1)) ?? fail("--service-token is text"),
    };
  });
  return {
    crypto,
    async edit(editor: ServiceTokenEditor) {
      for (const { name, value } of added) await (editor.peer ?? editor).add(name, value);
    },
  };
}

interface Fault {
  readonly refusal: RejectInit;
  /** The n-th message, or null for every one. */
  readonly at: number | null;
}

function parseFaults(options: Options): readonly Fault[] {
  const split = (text: string, what: string): [string, number | null] => {
    const at = text.indexOf("@");
    return at < 0 ? [text, null] : [text.slice(0, at), wholeNumber(text.slice(at + 1), 1, 1e9, what)];
  };
  const failures = options.all("fail").map((text): Fault => {
    const [name, at] = split(text, "--fail");
    if (!Object.hasOwn(ERRORS, name)) fail(`--fail: unknown error ${name}`);
    return { refusal: { error: name as MslErrorCode }, at };
  });
  const rejections = options.all("reauth").map((text): Fault => {
    const [whom, at] = split(text, "--reauth");
    if (whom !== "entity" && whom !== "user") fail("--reauth is entity or user");
    return { refusal: { reject: whom as "entity" | "user" }, at };
  });
  return [...failures, ...rejections];
}

function faultFor(faults: readonly Fault[], n: number): RejectInit | null {
  return faults.find((fault) => fault.at === null || fault.at === n)?.refusal ?? null;
}

/** The report of a message as results and logs show it. */
export function logLine(report: MessageReport): Record<string, unknown> {
  const { direction, kind, format, bytes, messageId, entityScheme, sequenceNumber, userScheme } = report;
  const { hasUserIdToken, keyx, encrypted, error, sender } = report;
  const code = error === null ? null : (error.code ?? String(error.internalCode));
  return {
    direction,
    kind,
    format,
    bytes,
    messageId,
    entityScheme,
    sequenceNumber,
    userScheme,
    hasUserIdToken,
    keyx,
    encrypted,
    error: code,
    sender,
  };
}
