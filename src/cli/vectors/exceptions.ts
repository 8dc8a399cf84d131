// Where our rules differ from the recorded reference, each by the name of its vectors and with its reason.
// `reference` switches reproduce the reference: the vector then runs twice, with the switches against the record and
// under the default rule against `ours`. Without switches only `ours` counts: members that replace the recorded ones; a later row wins.

import type { Switches } from "./spec.ts";
import type { Fields, Vector } from "./vector.ts";

export interface Exception {
  readonly file: string;
  readonly list: string;
  /** Names of vectors (`input` where they have no name), or what they have in common. */
  readonly vectors: readonly string[] | ((vector: Vector) => boolean);
  readonly reason: string;
  readonly reference?: Partial<Switches>;
  /** Undefined members are removed. */
  readonly ours: Fields | ((vector: Vector) => Fields);
}

/** One way in which a vector is run. */
export interface Attempt {
  readonly switches: Switches;
  readonly instead: Fields;
}

export const DEFAULT_RULES: Switches = {
  allowTruncated: false,
  strictKeyRequests: false,
  strictReplay: false,
  inferHandshake: false,
};

/** All switches together. */
export const REFERENCE_RULES: Switches = {
  allowTruncated: true,
  strictKeyRequests: true,
  strictReplay: true,
  inferHandshake: true,
};

/** How a vector is run: usually once as recorded, under our default rules or, with `compat`, under those of the reference. */
export function attemptsFor(file: string, list: string, vector: Vector, compat: boolean): readonly Attempt[] {
  const rows = EXCEPTIONS.filter((row) => row.file === file && row.list === list && matches(row, vector));
  const always = merge(
    rows.filter((row) => row.reference === undefined),
    vector,
  );
  const switched = rows.filter((row) => row.reference !== undefined);
  if (compat) return [{ switches: REFERENCE_RULES, instead: always }];
  if (switched.length === 0) return [{ switches: DEFAULT_RULES, instead: always }];
  const switches = Object.assign({}, DEFAULT_RULES, ...switched.map((row) => row.reference)) as Switches;
  return [
    { switches, instead: always },
    { switches: DEFAULT_RULES, instead: { ...always, ...merge(switched, vector) } },
  ];
}

function matches(row: Exception, vector: Vector): boolean {
  if (typeof row.vectors === "function") return row.vectors(vector);
  const name = vector.has("name") ? vector.raw("name") : vector.raw("input");
  return typeof name === "string" && row.vectors.includes(name);
}

function merge(rows: readonly Exception[], vector: Vector): Fields {
  const ours = rows.map((row) => (typeof row.ours === "function" ? row.ours(vector) : row.ours));
  return Object.assign({}, ...ours) as Fields;
}

function rejected(name: string): Fields {
  return { accepted: false, result: undefined, error: { name } };
}

/** Of the crafted requests. */
const MESSAGE_ID = 4503599627370001;
const ECHO = { handshake: false, applicationData: "64617461" };
const ACCEPTED: Fields = { accepted: true, error: undefined, stage: undefined, result: ECHO, reply: "a response" };
const MESSAGES = { file: "messages_negative.json", list: "vectors" };
const JSON_INPUTS = { file: "misc.json", list: "jsonInputs" };

export const EXCEPTIONS: readonly Exception[] = [
  {
    file: "asymmetric.json",
    list: "negative",
    vectors: (vector) => vector.raw("name") === "ECDSA verify: raw r||s instead of DER",
    reason: "r and s side by side, as WebCrypto writes them, are taken beside DER",
    ours: { accepted: true, error: undefined, result: true },
  },
  {
    ...MESSAGES,
    vectors: (vector) => vector.raw("stage") === "payload" && replyId(vector) === "random",
    reason: "the header was read before its payload failed, so the message id is known",
    ours: (vector) => ({ reply: { ...(vector.raw("reply") as Fields), messageid: "header + 1" } }),
  },
  {
    ...MESSAGES,
    vectors: ["framing: header only, no payload chunk"],
    reason: "a message that ends without its end-of-message chunk is truncated",
    reference: { allowTruncated: true },
    ours: {
      ...rejected("MESSAGE_TRUNCATED"),
      stage: "payload",
      dataBeforeError: "",
      reply: { errorcode: 1, internalcode: 100000, messageid: "header + 1" },
    },
  },
  {
    ...MESSAGES,
    vectors: ["payload: no chunk with the end-of-message flag"],
    reason: "a message that ends without its end-of-message chunk is truncated",
    reference: { allowTruncated: true },
    ours: {
      ...rejected("MESSAGE_TRUNCATED"),
      stage: "payload",
      dataBeforeError: "6f6e65",
      reply: { errorcode: 1, internalcode: 100000, messageid: "header + 1" },
    },
  },
  {
    ...MESSAGES,
    vectors: ["header: keyrequestdata unknown scheme"],
    reason: "key requests that cannot be served are skipped, so that new schemes can be offered to old servers",
    reference: { strictKeyRequests: true },
    ours: ACCEPTED,
  },
  {
    ...MESSAGES,
    vectors: [
      "non-replayable: largest seen 7, now 6",
      "non-replayable: largest seen 7, now 2",
      "non-replayable: largest seen 7, now 1",
      "non-replayable: largest seen 9007199254740992, now 9007199254740989",
    ],
    reason: "the issuer accepts ids that it has not seen from a window behind the largest",
    reference: { strictReplay: true },
    ours: ACCEPTED,
  },
  {
    ...MESSAGES,
    vectors: ["handshake: flag false, renewable, key request, single empty chunk"],
    reason: "a handshake is inferred only where the field is absent: current senders always write it",
    reference: { inferHandshake: true },
    ours: { result: { handshake: false, applicationData: "" } },
  },
  {
    ...MESSAGES,
    vectors: ["header: useridtoken with changed signature (not trusted, not rejected)"],
    reason: "a trusted server refuses user ID tokens that its network did not issue",
    ours: {
      accepted: false,
      result: undefined,
      error: { name: "USERIDTOKEN_NOT_DECRYPTED", internalCode: 102001, responseCode: 4, messageid: MESSAGE_ID },
      stage: "header",
      reply: { errorcode: 4, internalcode: 102001, messageid: MESSAGE_ID + 1 },
    },
  },
  {
    ...MESSAGES,
    vectors: ["header: messageid written as 1.5"],
    reason: "a number with a fraction is no integer",
    ours: {
      error: { name: "MSL_PARSE_ERROR", internalCode: 100000, responseCode: 1 },
      stage: "header",
      reply: { errorcode: 1, internalcode: 100000, messageid: "random" },
    },
  },
  {
    ...MESSAGES,
    vectors: ["header: messageid written as -0"],
    reason: "JSON's minus zero is 0, which is in range; the payload then belongs to another message",
    ours: {
      error: { name: "PAYLOAD_MESSAGE_ID_MISMATCH", internalCode: 106004, responseCode: 1 },
      stage: "payload",
      reply: { errorcode: 1, internalcode: 106004, messageid: "header + 1" },
    },
  },
  {
    ...MESSAGES,
    vectors: ["payload: not LZW data"],
    reason: "bytes that are no LZW are an error of the table, not a crash",
    ours: { reply: { errorcode: 1, internalcode: 106002, messageid: MESSAGE_ID + 1 } },
  },
  {
    ...MESSAGES,
    vectors: ["key exchange: Diffie-Hellman value 1"],
    reason: "public values are checked, and the message id is known when keys are made",
    ours: { reply: { errorcode: 1, internalcode: 107011, messageid: MESSAGE_ID + 1 } },
  },
  {
    ...JSON_INPUTS,
    vectors: [
      '{"a":1,}',
      '{"a":[1,2,]}',
      '{"a":1;"b":2}',
      "{a:1}",
      "{'a':1}",
      '{"a":1}x',
      '{"a":1}{"b":2}',
      '{"a":nul}',
      '{"a":0x10}',
      '{"a":01}',
      '{"a":+1}',
      '{"a":NaN}',
      '{"a":-}',
      '{"a":"tab\there"}',
      '{"a":TRUE}',
    ],
    reason: "JSON is read as RFC 8259 says: what parsers disagree about has no place under a signature",
    ours: rejected("MSL_PARSE_ERROR"),
  },
  {
    ...JSON_INPUTS,
    vectors: ['{"a":1.5}', '{"a":99999999999999999999}', '{"a":9007199254740993}'],
    reason: "valid JSON, but no integer of 0..2^53",
    ours: { result: { keys: 1, aType: "number" } },
  },
  {
    file: "key_exchange.json",
    list: "negative",
    vectors: [
      "unknown scheme",
      "symmetric: unknown keyid",
      "asymmetric: unknown mechanism",
      "jwe ladder: unknown mechanism",
      "jwk ladder: unknown mechanism",
    ],
    reason: "key requests that cannot be served are skipped, so that new schemes can be offered to old servers",
    reference: { strictKeyRequests: true },
    ours: { accepted: true, error: undefined, result: "skipped" },
  },
  {
    file: "symmetric.json",
    list: "negative",
    vectors: ["verify: version 2 envelope naming another algorithm"],
    reason: "a signature made with another algorithm than it says is wrong",
    ours: { result: false },
  },
  {
    file: "symmetric.json",
    list: "negative",
    vectors: (vector) => vector.raw("op") === "decrypt" && vector.raw("input") === "",
    reason: "peers exist that send no envelope where there is nothing to encrypt",
    ours: { accepted: true, error: undefined, result: "" },
  },
  {
    file: "symmetric.json",
    list: "negative",
    vectors: ["wrap: 0 bytes"],
    reason: "there is nothing to wrap",
    ours: { ...rejected("PLAINTEXT_ILLEGAL_BLOCK_SIZE") },
  },
];

function replyId(vector: Vector): unknown {
  const reply = vector.raw("reply");
  return typeof reply === "object" && reply !== null ? (reply as Fields).messageid : null;
}
