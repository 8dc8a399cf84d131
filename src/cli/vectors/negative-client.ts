// A client's reader receives one hand-made response or error message, holding the tokens that its record names.

import type { MasterToken } from "../../tokens/master-token.ts";
import { isSameMasterToken } from "../../tokens/master-token.ts";
import { recordedSession } from "./contexts.ts";
import { sameErrorHeader } from "./messages.ts";
import { checkError } from "./outcome.ts";
import { type ClientMemory, clientEnvironment, type Reading, readStages } from "./reading.ts";
import { pendingRequest } from "./pending.ts";
import { keyExchanges } from "./schemes.ts";
import type { Bench } from "./spec.ts";
import { recordedMasterToken } from "./user-id-tokens.ts";
import { fail, parseJson, same, type Vector } from "./vector.ts";

export async function checkClient(vector: Vector, bench: Bench): Promise<void> {
  vector.ignore("rsaKey");
  const memory = await memoryOf(vector, bench);
  const env = await clientEnvironment({ bench }, memory);
  const reading = await readStages(vector.utf8("message"), env, bench.switches.allowTruncated);
  if (vector.flag("accepted")) accepted(vector, reading);
  else rejected(vector, reading);
}

async function memoryOf(vector: Vector, bench: Bench): Promise<ClientMemory> {
  const client = vector.object("client");
  client.ignore("auth");
  const identity = client.text("identity");
  const json = heldToken(vector, client.textOr("holdsMastertoken"));
  let held: MasterToken | null = null;
  let sessionFor: ClientMemory["sessionFor"] = () => null;
  if (json !== null) {
    const token = await recordedMasterToken(json, bench);
    const context = recordedSession(bench, client.object("sessionKeys"));
    held = token;
    sessionFor = (received) => (isSameMasterToken(received, token) ? context : null);
  }
  const pending = [];
  const requests = vector.has("keyrequestdata") ? (vector.raw("keyrequestdata") as readonly string[]) : [];
  for (const request of requests) {
    const parsed = parseJson(request, "keyrequestdata") as { scheme: string };
    const exchange = keyExchanges({ bench }).find(({ name }) => name === parsed.scheme) ?? fail("no such key exchange");
    pending.push(bench.own(await pendingRequest(exchange, { request: parsed }, bench)));
  }
  return { identity, sessionFor, pending, request: { entityAuth: null, masterToken: held } };
}

/** The token that the client holds; a note says where it is the one that the message carries. */
function heldToken(vector: Vector, recorded: string | null): string | null {
  if (!vector.textOr("note")?.startsWith("the client holds this very token")) return recorded;
  const message = vector.text("message");
  const header = parseJson(message.slice(0, message.indexOf('{"payload"')), "message") as { mastertoken: unknown };
  return JSON.stringify(header.mastertoken);
}

function accepted(vector: Vector, reading: Reading): void {
  const { header, error } = reading;
  if (error !== null || header === null) fail(`rejected with ${error?.code}, recorded as accepted`);
  const result = vector.object("result");
  const recorded = result.objectOr("errorHeader");
  if (recorded !== null) {
    if (header.kind !== "error") fail("read as a message, recorded as an error message");
    same("errormessage", true, recorded.flag("errormessage"));
    sameErrorHeader(header, recorded);
    return;
  }
  if (header.kind !== "message") fail("read as an error message, recorded as a message");
  same("handshake", header.handshake === true, result.flag("handshake"));
  same("applicationData", reading.applicationData, result.bytes("applicationData"));
}

function rejected(vector: Vector, { header, error }: Reading): void {
  if (error === null) fail("accepted, recorded as rejected");
  const isBehindHeader = header !== null;
  same("stage", isBehindHeader ? "payload" : "header", vector.text("stage"));
  checkError(vector.object("error"), error, isBehindHeader);
}
