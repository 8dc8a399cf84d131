// A whole client sends a request and gets a recorded answer. Its message ids are its own, so the answer's id is moved to
// where it stood relative to the recorded request; these messages are not protected, and can be rewritten.

import type { MslClient } from "../../control/api.ts";
import { createClient } from "../../control/client.ts";
import { none, noneData } from "../../entity-auth/none.ts";
import { MslError, MslRemoteError, MslTransportError } from "../../errors/msl-error.ts";
import { nextMessageId } from "../../message/ids.ts";
import type { Exchange, Transport } from "../../platform/transport.ts";
import { concatBytes } from "../../transport/bytes.ts";
import { checkError } from "./outcome.ts";
import { clockOf, objectsOf, readerOf, serverEnvironment } from "./reading.ts";
import { entitySchemes } from "./schemes.ts";
import type { Bench } from "./spec.ts";
import { fail, fromBase64, parseJson, same, text, toHex, utf8, type Vector } from "./vector.ts";

type Json = Readonly<Record<string, unknown>>;

/** A message without protection, opened: header data or error data, then payloads. */
interface OpenMessage {
  readonly member: "headerdata" | "errordata";
  readonly outer: Json;
  readonly data: Json;
  readonly chunks: readonly { readonly outer: Json; readonly payload: Json }[];
}

export async function checkClientControl(vector: Vector, bench: Bench): Promise<void> {
  const answer = await openMessage(vector.utf8("message"), bench);
  const request = await openMessage(vector.utf8("request"), bench);
  const distance = (answer.data.messageid as number) - (request.data.messageid as number);
  same("distance in the name", vector.text("name").includes(`request message ID + ${distance} in`), true);
  const script = new Script(answer, distance, bench);
  const client = await clientOf(script, request, bench);
  try {
    const outcome = await run(client);
    compare(vector, outcome, answer, script.opened);
  } finally {
    await client.close();
  }
}

async function openMessage(wire: Uint8Array, bench: Bench): Promise<OpenMessage> {
  const objects = (await objectsOf(wire, serverEnvironment({ bench }))).map((object) => json(object));
  const [outer, ...chunks] = objects;
  if (outer === undefined) return fail("no header");
  const member = outer.headerdata === undefined ? "errordata" : "headerdata";
  const data = json(fromBase64(String(outer[member])));
  return {
    member,
    outer,
    data,
    chunks: chunks.map((chunk) => ({ outer: chunk, payload: json(fromBase64(String(chunk.payload))) })),
  };
}

/** Answers the first request with the recorded message, and drops every further connection. */
class Script implements Transport {
  opened = 0;
  readonly #answer: OpenMessage;
  readonly #distance: number;
  readonly #bench: Bench;

  constructor(answer: OpenMessage, distance: number, bench: Bench) {
    this.#answer = answer;
    this.#distance = distance;
    this.#bench = bench;
  }

  async open(): Promise<Exchange> {
    if (++this.opened > 1) throw new MslTransportError("The recorded server answers once.", false);
    const sent: Uint8Array[] = [];
    let reader: ReturnType<typeof readerOf> | null = null;
    const answer = async () => {
      const request = await openMessage(concatBytes(sent), this.#bench);
      return readerOf(this.#withId(request.data.messageid as number));
    };
    return {
      writer: { write: async (bytes) => void sent.push(bytes.slice()), end: async () => {} },
      reader: {
        async read() {
          reader ??= await answer();
          return reader.read();
        },
        cancel: () => reader?.cancel(),
      },
      abort() {},
    };
  }

  /** The recorded answer, as far behind `requestId` as it was behind the recorded request. */
  #withId(requestId: number): Uint8Array {
    let messageid = requestId;
    for (let i = 0; i < this.#distance; i++) messageid = nextMessageId(messageid);
    const { outer, member, data, chunks } = this.#answer;
    const objects = [
      { ...outer, [member]: base64({ ...data, messageid }) },
      ...chunks.map((chunk) => ({ ...chunk.outer, payload: base64({ ...chunk.payload, messageid }) })),
    ];
    return utf8(objects.map((object) => JSON.stringify(object)).join(""));
  }
}

function clientOf(transport: Transport, request: OpenMessage, bench: Bench): Promise<MslClient> {
  const { identity } = (request.outer.entityauthdata as { authdata: { identity: string } }).authdata;
  const schemes = entitySchemes({ bench });
  return createClient({
    core: bench.core,
    gzip: bench.gzip,
    clock: clockOf(bench),
    timers: null,
    transport,
    // The recorded client had no other data to offer.
    entity: { scheme: none(), data: (reason) => (reason === null ? noneData(identity) : null) },
    serverSchemes: [schemes.get("NONE") ?? fail("no NONE")],
    keyExchange: [],
    allowTruncated: bench.switches.allowTruncated,
  });
}

type Outcome = { readonly data: Uint8Array } | { readonly error: MslError };

async function run(client: MslClient): Promise<Outcome> {
  try {
    const response = await client.request({ body: "hello", encrypted: false, integrity: false });
    return { data: await response.bytes() };
  } catch (error) {
    if (error instanceof MslError) return { error };
    throw error;
  }
}

function compare(vector: Vector, outcome: Outcome, answer: OpenMessage, opened: number): void {
  if (!vector.flag("accepted")) {
    if (!("error" in outcome)) fail("accepted, recorded as rejected");
    checkError(vector.object("error"), outcome.error, true);
    same("connections", opened, 1);
    return;
  }
  const result = vector.text("result");
  same("result", resultOf(outcome, opened), result);
  if ("data" in outcome) {
    const recorded = answer.chunks.map(({ payload }) => toHex(fromBase64(String(payload.data)))).join("");
    same("body of the response", outcome.data, recorded);
  } else if (outcome.error instanceof MslRemoteError) {
    same("errorcode", outcome.error.responseCode, answer.data.errorcode);
    same("internalcode", outcome.error.internalCode, answer.data.internalcode);
  }
}

function resultOf(outcome: Outcome, opened: number): string {
  if ("data" in outcome) return "response delivered to the application";
  if (outcome.error instanceof MslTransportError && opened === 2) return "retries with a new request";
  if (outcome.error instanceof MslRemoteError && opened === 1) return "error delivered to the application";
  return `failed with ${outcome.error.code} on connection ${opened}`;
}

function json(bytes: Uint8Array): Json {
  return parseJson(text(bytes), "message") as Json;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64");
}
