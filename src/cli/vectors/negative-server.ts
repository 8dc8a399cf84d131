// A whole server receives one hand-made message, with the state that its record asks for, and answers it.

import type { MslServer, ServerConfig } from "../../control/api.ts";
import { createServer } from "../../control/server.ts";
import { pskData } from "../../entity-auth/psk.ts";
import { ERRORS, type MslErrorCode, responseName } from "../../errors/codes.ts";
import { MslError } from "../../errors/msl-error.ts";
import { nextMessageId } from "../../message/ids.ts";
import type { ByteWriter } from "../../platform/transport.ts";
import { IssuerMemory } from "../../store/issuer-memory.ts";
import { createTokenIssuer } from "../../tokens/token-issuer.ts";
import { concatBytes } from "../../transport/bytes.ts";
import { serverIdentity } from "./contexts.ts";
import { checkError } from "./outcome.ts";
import { clockOf, readerOf, readMessage, serverEnvironment } from "./reading.ts";
import { entitySchemes, keyExchanges, type Receiver, userSchemes } from "./schemes.ts";
import type { Bench } from "./spec.ts";
import { fail, fromHex, same, toHex, type Vector } from "./vector.ts";

/** What the application of the server saw. */
interface Seen {
  messageId: number | null;
  readonly data: Uint8Array[];
  error: MslError | null;
}

export async function checkServer(vector: Vector, bench: Bench): Promise<void> {
  const state = stateOf(vector.textOr("state"));
  const server = await serverOf(state, bench);
  try {
    const seen: Seen = { messageId: null, data: [], error: null };
    const reply = await receive(server, vector.utf8("message"), seen);
    await compare(vector, seen, reply, bench);
  } finally {
    await server.close();
  }
}

interface State {
  readonly refused: Receiver["refused"];
  readonly revokedIdentity: string | null;
  readonly revokedUserIdToken: number | null;
  readonly largestId: { readonly serialNumber: number; readonly id: number } | null;
}

const NO_STATE: State = { refused: null, revokedIdentity: null, revokedUserIdToken: null, largestId: null };

const STATES: readonly [RegExp, (groups: readonly string[]) => Partial<State>][] = [
  [/^(\w+) not permitted for (\S+)$/, ([scheme = "", identity = ""]) => ({ refused: { scheme, identity } })],
  [/^master tokens of (\S+) are revoked$/, ([identity = ""]) => ({ revokedIdentity: identity })],
  [/^user ID token serial number (\d+) is revoked$/, ([serial]) => ({ revokedUserIdToken: Number(serial) })],
  [
    /^largest non-replayable ID seen with master token serial number (\d+): (\d+)$/,
    ([serial, id]) => ({ largestId: { serialNumber: Number(serial), id: Number(id) } }),
  ],
];

function stateOf(text: string | null): State {
  if (text === null) return NO_STATE;
  for (const [pattern, read] of STATES) {
    const match = pattern.exec(text);
    if (match !== null) return { ...NO_STATE, ...read(match.slice(1)) };
  }
  return fail(`state: the runner does not know how to make "${text}"`);
}

async function serverOf(state: State, bench: Bench): Promise<MslServer> {
  const { core, gzip, switches } = bench;
  const receiver: Receiver = { bench, refused: state.refused ?? null };
  const schemes = entitySchemes(receiver);
  const crypto = bench.keys.issuer;
  const clock = clockOf(bench);
  const replayMode = switches.strictReplay ? ("strict" as const) : ("window" as const);
  const config: ServerConfig = {
    core,
    gzip,
    clock,
    timers: null,
    entity: { scheme: schemes.get("PSK") ?? fail("no PSK"), data: () => pskData(serverIdentity(bench)) },
    entitySchemes: [...schemes.values()],
    userSchemes: [...userSchemes(receiver).values()],
    keyExchange: keyExchanges(receiver),
    tokenCrypto: crypto,
    // The tokens of the record were not issued by this run.
    issuer: createTokenIssuer({
      core,
      crypto,
      clock,
      replayMode,
      sequencePolicy: "none",
      state: await issuerState(state, bench),
    }),
    serviceTokens: { crypto: (name) => bench.keys.serviceToken(name) },
    allowTruncated: switches.allowTruncated,
    strictKeyRequests: switches.strictKeyRequests,
    inferHandshake: switches.inferHandshake,
  };
  return createServer(config);
}

async function issuerState(state: State, bench: Bench): Promise<IssuerMemory> {
  const memory = new IssuerMemory();
  if (state.largestId !== null) {
    const { serialNumber, id } = state.largestId;
    const { identity } = (bench.common.mastertoken as { sessionKeys: { identity: string } }).sessionKeys;
    // The largest id is all that was seen.
    memory.apply({ kind: "stray", identity, serialNumber, replay: { newest: id, low: 0, high: 0 } });
  }
  if (state.revokedIdentity !== null) memory.revokeEntity(state.revokedIdentity);
  if (state.revokedUserIdToken !== null) memory.revokeUserIdToken(state.revokedUserIdToken);
  return memory;
}

/** Runs the application that answers `ECHO:` and the body, and gives what was sent. */
async function receive(server: MslServer, message: Uint8Array, seen: Seen): Promise<Uint8Array> {
  const sent: Uint8Array[] = [];
  const writer: ByteWriter = {
    write: async (bytes) => void sent.push(bytes.slice()),
    end: async () => {},
  };
  await server.receive(readerOf(message), writer, async (request) => {
    seen.messageId = request.messageId;
    try {
      for await (const piece of request) seen.data.push(piece.slice());
    } catch (error) {
      if (error instanceof MslError) seen.error = error;
      throw error;
    }
    const body = concatBytes([fromHex(ECHO), ...seen.data]);
    return { body, encrypted: false, integrity: false };
  });
  return concatBytes(sent);
}

/** `ECHO:` */
const ECHO = "4543484f3a";

async function compare(vector: Vector, seen: Seen, wire: Uint8Array, bench: Bench): Promise<void> {
  const reply = await readMessage(wire, serverEnvironment({ bench }), true);
  const data = concatBytes(seen.data);
  if (vector.flag("accepted")) {
    if (seen.error !== null) fail(`rejected with ${seen.error.code}, recorded as accepted`);
    const result = vector.object("result");
    const isHandshake = seen.messageId === null && reply.header.kind === "message";
    same("handshake", isHandshake, result.flag("handshake"));
    same("applicationData", data, result.text("applicationData"));
  } else {
    const error = vector.object("error");
    same("stage", seen.messageId === null ? "header" : "payload", vector.text("stage"));
    if (seen.error !== null) checkError(error, seen.error, true);
    else checkHeaderError(error, reply.header);
    same("dataBeforeError", data, vector.textOr("dataBeforeError") ?? "");
  }
  checkReply(vector, seen, reply, data);
}

type Reply = Awaited<ReturnType<typeof readMessage>>;

/** What reading the header raised shows in the error message: its row, and whether the request's id was known. */
function checkHeaderError(recorded: Vector, header: Reply["header"]): void {
  recorded.ignore("exception", "note");
  if (header.kind !== "error") fail("accepted, recorded as rejected");
  if (recorded.has("unspecified") && recorded.flag("unspecified")) return;
  const [internalCode, responseCode] = ERRORS[recorded.text("name") as MslErrorCode] ?? fail("no such error");
  same("internalCode", header.internalCode, recorded.number("internalCode"));
  same("responseCode", header.responseCode, recorded.number("responseCode"));
  same("number of the error", [internalCode, responseCode], [header.internalCode, header.responseCode]);
  if (recorded.has("responseCodeName")) {
    same("responseCodeName", responseName(header.responseCode), recorded.text("responseCodeName"));
  }
  const known = recorded.numberOr("messageid");
  if (known !== null) same("message id of the error message", header.messageId, nextMessageId(known));
}

function checkReply(vector: Vector, seen: Seen, { header, applicationData }: Reply, data: Uint8Array): void {
  if (typeof vector.raw("reply") === "string") {
    // Once the application has the message, the answer is its own.
    if (vector.text("reply").startsWith("up to the application")) return;
    same("reply", header.kind === "message" ? "a response" : `error ${header.kind}`, vector.text("reply"));
    if (seen.messageId === null) return; // a handshake: no body
    same("message id of the response", header.messageId, nextMessageId(seen.messageId));
    same("body of the response", applicationData, ECHO + toHex(data));
    return;
  }
  const reply = vector.object("reply");
  if (header.kind !== "error") fail("answered with a response, recorded is an error message");
  same("errorcode of the reply", header.responseCode, reply.number("errorcode"));
  same("internalcode of the reply", header.internalCode, reply.number("internalcode"));
  const id = reply.raw("messageid");
  if (typeof id === "number") same("messageid of the reply", header.messageId, id);
  else if (id === "header + 1") same("messageid of the reply", header.messageId, nextMessageId(seen.messageId ?? -1));
  else if (id === "random")
    same("messageid of the reply follows from the request", header.messageId === CRAFTED_ID + 1, false);
  else fail("reply.messageid: the runner does not know what is meant");
}

/** Message id of the crafted requests. */
const CRAFTED_ID = 4503599627370001;
