// What sides saw of messages and tokens, as plain values in which only bytes, formats and what is drawn at random are left
// out: serial numbers are counted in the order of their appearance, message ids are distances.

import { expect } from "vitest";
import type { Incoming, MessageReport } from "../../src/control/api.ts";
import type { Core } from "../../src/core/core.ts";
import { decodeObject, encodeObject, type Format } from "../../src/encoding/codec.ts";
import { MslError, MslRemoteError } from "../../src/errors/msl-error.ts";
import { type MasterToken, masterTokenFields, parseMasterToken } from "../../src/tokens/master-token.ts";
import type { ServiceToken } from "../../src/tokens/service-token.ts";
import type { TokenCrypto } from "../../src/tokens/token-crypto.ts";
import { parseUserIdToken, type UserIdToken, userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import { expectedFormats, type Wire } from "../wires.ts";

/** Gives each value a small number, the same for the same value. */
export function counted(): (value: number | null) => number | null {
  const known: number[] = [];
  return (value) => {
    if (value === null) return null;
    if (!known.includes(value)) known.push(value);
    return known.indexOf(value);
  };
}

/** What one side reported of messages. */
export function messageFacts(reports: readonly MessageReport[]): unknown[] {
  const line = counted();
  return reports.map(({ format: _, bytes: __, layers: ___, messageId, serialNumber, ...facts }, i) => {
    const previous = reports[i - 1];
    const isReply = previous !== undefined && previous.direction !== facts.direction && facts.kind !== "error";
    return { ...facts, line: line(serialNumber), isNext: isReply ? messageId === previous.messageId + 1 : null };
  });
}

/** All that an application gets of a reply. */
export async function replyFacts(reply: Incoming): Promise<unknown> {
  const { sender, user, encrypted, integrityProtected, serviceTokens } = reply;
  const body = await reply.text();
  return {
    body,
    sender,
    user,
    encrypted,
    integrityProtected,
    serviceTokens: serviceTokens.map(serviceTokenFacts),
    complete: reply.complete,
  };
}

export function serviceTokenFacts(token: ServiceToken) {
  const { name, encrypted, compression, verified, data } = token;
  const bound = token.uitSerialNumber !== null ? "user" : token.mtSerialNumber !== null ? "master" : "unbound";
  return { name, bound, encrypted, compression, verified, data: data && Buffer.from(data).toString("latin1") };
}

/** A failure as its caller sees it. */
export function errorFacts(error: unknown): unknown {
  if (!(error instanceof MslError)) throw error;
  const { name, code } = error;
  if (!(error instanceof MslRemoteError)) return { name, code };
  const { internalCode, responseCode, userText, attempts } = error;
  return { name, code, internalCode, responseCode, userText, attempts };
}

export const failureOf = (request: Promise<unknown>): Promise<unknown> =>
  request.then(
    () => "no failure",
    (error: unknown) => errorFacts(error),
  );

/** A user's tokens with everything that their issuer finds in them. */
export async function tokenFacts(
  tokens: { readonly masterToken: MasterToken; readonly userIdToken: UserIdToken },
  crypto: TokenCrypto,
  core: Core,
  startSec: number,
): Promise<unknown> {
  const again = (fields: Parameters<typeof encodeObject>[1]) => decodeObject(encodeObject("CBOR", fields), "token");
  const master = await parseMasterToken(again(masterTokenFields(tokens.masterToken)), crypto, core);
  const user = await parseUserIdToken(again(userIdTokenFields(tokens.userIdToken)), crypto, master);
  const life = ({ renewalWindow, expiration }: MasterToken | UserIdToken) => [
    renewalWindow - startSec,
    expiration - startSec,
  ];
  const facts = {
    sequenceNumber: master.sequenceNumber,
    identity: master.verified?.identity,
    issuerData: master.verified?.issuerData,
    masterLife: life(master),
    user: user.verified?.user,
    userIssuerData: user.verified?.issuerData,
    userLife: life(user),
    isBound: user.mtSerialNumber === master.serialNumber,
  };
  master.verified?.context.dispose();
  return facts;
}

/** One message as it went over the wire. */
export interface Seen {
  readonly direction: "request" | "response";
  readonly bytes: Uint8Array;
}

/** The format that a first byte says. */
export function formatOf(bytes: Uint8Array): Format {
  const [first = 0] = bytes;
  if (first === 0x7b) return "JSON";
  if ((first & 0xe0) === 0xa0) return "CBOR";
  throw new Error(`No message begins with ${first}.`);
}

/**
 * The wire really was in the formats of the pair of sides: each message of one device, by its first byte.
 * @param hasMet  whether the sides know each other from the start. Until they do, what answers an unreadable header is
 *   in the format of what it answers
 */
export function expectFormats(seen: readonly Seen[], core: Core, wire: Wire, hasMet: boolean): void {
  const [first, then] = expectedFormats(wire);
  expect(seen.length).toBeGreaterThan(0);
  let isKnown = hasMet;
  seen.forEach(({ direction, bytes }, i) => {
    const format = formatOf(bytes);
    if (direction === "request") {
      expect([i, format]).toEqual([i, isKnown ? then : first]);
      return;
    }
    const isError = headOf(bytes, core).has("errordata");
    if (isError && !isKnown) expect([then, formatOf(seen[i - 1]!.bytes)]).toContain(format);
    else expect([i, format]).toEqual([i, then]);
    isKnown ||= !isError;
  });
}

/** The first object of a message. */
function headOf(bytes: Uint8Array, core: Core) {
  const scanner = core.createScanner(1e7);
  scanner.push(bytes);
  return decodeObject(scanner.next()!, "message");
}
