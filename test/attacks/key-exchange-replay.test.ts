// Answers of key exchanges in the wrong place: another request's, an earlier one's, with another token, under another key.
// Where neither side proves who it is, an attacker may write every header: what still holds is the exchange's own.

import { describe, expect, test } from "vitest";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { asymmetricWrapped } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { p256Curve } from "../../src/key-exchange/ecdh-p256.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { nextMessageId } from "../../src/message/ids.ts";
import { header as headerOf, issue, read, type Sender } from "../conformance/kit.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { clock, World } from "../scenario/world.ts";
import { ask, codeOf, rewritten, wrappingPair } from "./key-exchange-kit.ts";

type Make = (world: World) => KeyExchange;

const pair = nodePair(2048);
let pairId = 0;

const SCHEMES: readonly (readonly [string, Make])[] = [
  ["ECDH over X25519", ({ core }) => ecdh({ core })],
  ["ECDH over P-256", ({ core }) => ecdh({ core, curves: ["P-256"], p256: p256Curve })],
  ["DIFFIE_HELLMAN", ({ core }) => diffieHellman({ core })],
  [
    "ASYMMETRIC_WRAPPED",
    ({ core }) => {
      // Names differ, as those of fresh pairs do.
      const keyPair = () => ({ ...wrappingPair(core, pair), keyPairId: `pair ${pairId++}` });
      return asymmetricWrapped({ core, timers: null, keyPair });
    },
  ],
  ["SYMMETRIC_WRAPPED", ({ core, pskContextOf }) => symmetricWrapped({ core, pskContextOf })],
];

/** Nobody proves anything: server and devices are under NONE. */
async function scene(make: Make) {
  const heard: string[] = [];
  const world: World = await World.create({
    extend: (_core, world) => ({
      entity: { scheme: none(), data: () => noneData("server") },
      keyExchange: [make(world)],
    }),
    handler: async (request) => {
      heard.push(`${request.sender}: ${await request.text()}`);
      return { body: "answer" };
    },
  });
  const device = (identity: string) =>
    world.device({ entity: world.anonymous(identity), serverSchemes: [none()], keyExchange: [make(world)] }, identity);
  return { world, heard, device };
}

/** Header data of an unprotected message. */
function fieldsOf(world: World, wire: Uint8Array): EncodeFields {
  let found: EncodeFields | null = null;
  rewritten(world, wire, (fields) => (found = fields));
  if (found === null) throw new Error("the message is protected");
  return found;
}

/** The next handshake's answer is replaced by what `forge` makes of it; later ones are not. */
function replaceAnswer(world: World, forge: (honest: Uint8Array, request: EncodeFields) => Uint8Array): void {
  let isDone = false;
  world.tamper = (bytes, direction) => {
    if (direction === "request" || isDone) return bytes;
    isDone = true;
    return forge(bytes, fieldsOf(world, world.wire.at(-1)!.request));
  };
}

const asReplyTo = (request: EncodeFields) => (fields: EncodeFields) => ({
  ...fields,
  messageid: nextMessageId(Number(request.messageid)),
});

const refusals = (world: World, from: number) =>
  world.reports
    .slice(from)
    .flatMap((report) => (report.direction === "out" && report.error ? [report.error.code] : []));

describe.each(SCHEMES)("%s", (name, make) => {
  const isAgreed = name.startsWith("ECDH") || name === "DIFFIE_HELLMAN";
  const unwrapped = name === "ASYMMETRIC_WRAPPED" ? "KEYX_RESPONSE_REQUEST_MISMATCH" : "UNWRAP_ERROR";

  /** What `identity` gets for its answer is another device's, or its own earlier one. */
  async function misplaced(from: string, to: string, withId: boolean) {
    const { world, heard, device } = await scene(make);
    const other = await device(from);
    expect(await codeOf(other, { body: "first" })).toBe("accepted");
    const recorded = world.wire[0]!.response;
    const serial = other.session.masterToken?.serialNumber;
    const before = world.reports.length;
    replaceAnswer(world, (_honest, request) => (withId ? rewritten(world, recorded, asReplyTo(request)) : recorded));
    const client = await device(to);
    const code = await codeOf(client, { body: "second" });
    return { code, heard, serial, client, refused: refusals(world, before) };
  }

  test("the answer to another device's request, as it is, is not the next message", async () => {
    const { code, heard, client } = await misplaced("device-2", "device-1", false);
    expect([code, heard, client.session.masterToken]).toEqual([
      "UNEXPECTED_RESPONSE_MESSAGE_ID",
      ["device-2: first"],
      null,
    ]);
  });

  test("the answer to another device's request, under the right id, gives no session with anybody", async () => {
    const { code, heard, refused } = await misplaced("device-2", "device-1", true);
    if (isAgreed) {
      // The keys are nobody's: the server refuses them, and the device begins anew.
      expect([code, refused]).toEqual(["accepted", ["MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED"]]);
      expect(heard).toEqual(["device-2: first", "device-1: second"]);
    } else {
      expect([code, heard]).toEqual([unwrapped, ["device-2: first"]]);
    }
  });

  test("one's own earlier answer, as it is, is not the next message", async () => {
    const { code, heard } = await misplaced("device-1", "device-1", false);
    expect([code, heard]).toEqual(["UNEXPECTED_RESPONSE_MESSAGE_ID", ["device-1: first"]]);
  });

  test("one's own earlier answer, under the right id: only a scheme without a fresh value takes it", async () => {
    const { code, heard, refused, client, serial } = await misplaced("device-1", "device-1", true);
    if (name === "SYMMETRIC_WRAPPED") {
      // No part of a request is in its answer: the old session lives again. Header signatures are what prevents this.
      expect([code, client.session.masterToken?.serialNumber]).toEqual(["accepted", serial]);
    } else if (isAgreed) {
      expect([code, refused]).toEqual(["accepted", ["MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED"]]);
      expect(client.session.masterToken?.serialNumber).not.toBe(serial);
    } else {
      expect([code, heard]).toEqual([unwrapped, ["device-1: first"]]);
    }
  });

  test("the attacker's master token in a device's answer: the server does not hear the device as the attacker", async () => {
    const { world, heard, device } = await scene(make);
    const attacker = await device("device-2");
    expect(await codeOf(attacker, { body: "mine" })).toBe("accepted");
    const { mastertoken } = fieldsOf(world, world.wire[0]!.response).keyresponsedata as { mastertoken: EncodeFields };
    const before = world.reports.length;
    replaceAnswer(world, (honest) =>
      rewritten(world, honest, (fields) => {
        const keyresponsedata = { ...(fields.keyresponsedata as EncodeFields), mastertoken };
        return { ...fields, keyresponsedata };
      }),
    );
    expect(await codeOf(await device("device-1"), { body: "secret" })).toBe("accepted");
    expect(refusals(world, before)).toEqual(["MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED"]);
    expect(heard).toEqual(["device-2: mine", "device-1: secret"]);
  });
});

const LONG = { renewSec: 1000, expireSec: 2000 };

describe("under another key", () => {
  /** A world in which the server's answers are written again by `by`; `life` of its tokens. */
  async function resigned(by: (world: World) => Promise<Sender> | Sender) {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 5, expireSec: 500 } } });
    const post = world.post.bind(world);
    const state = { isOn: true };
    world.post = async (...parts) => {
      const answer = await post(...parts);
      if (!state.isOn) return answer;
      const { data } = await read(world, answer);
      return headerOf("JSON", await by(world), data.toFields() as EncodeFields);
    };
    return { world, state };
  }

  const server = (world: World): Sender => ({ entity: pskData("server"), context: world.pskContextOf("server")! });

  test("a key response that another device signed in the server's name is refused", async () => {
    const forged = await resigned((world) => ({ entity: pskData("server"), context: world.pskContextOf("device-2")! }));
    const device = await forged.world.device();
    expect(await codeOf(device)).toBe("MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED");
    expect(device.session.masterToken).toBeNull();
  });

  test("a key response that another device signed in its own name is refused by who knows its server", async () => {
    const forged = await resigned((world) => ({
      entity: pskData("device-2"),
      context: world.pskContextOf("device-2")!,
    }));
    const device = await forged.world.device({ expectSender: "server" });
    expect(await codeOf(device)).toBe("MESSAGE_SENDER_MISMATCH");
    expect(device.session.masterToken).toBeNull();
  });

  test("a key response under a master token that the device does not hold is refused", async () => {
    const forged = await resigned(async (world) => ({ masterToken: await issue(world, LONG, "device-2") }));
    const device = await forged.world.device();
    expect(await codeOf(device)).toBe("MASTERTOKEN_UNTRUSTED");
    expect(device.session.masterToken).toBeNull();
  });

  test("the renewal of a token is taken under that token, not under the server's entity or another token", async () => {
    for (const [by, code] of [
      [server, "REPLY_UNDERPROTECTED"],
      [async (world: World) => ({ masterToken: await issue(world, LONG, "device-2") }), "MASTERTOKEN_UNTRUSTED"],
    ] as const) {
      const { world, state } = await resigned(by);
      state.isOn = false;
      const device = await world.device();
      expect(await ask(device)).toBe("ECHO:x");
      const held = device.session.masterToken;
      const at = clock.ms;
      try {
        clock.ms = at + 7000;
        state.isOn = true;
        expect(await codeOf(device)).toBe(code);
        expect(world.reports.at(-1)?.keyx).toEqual(["ECDH"]); // the server did renew
        expect(device.session.masterToken).toEqual(held);
        state.isOn = false;
        expect(await ask(device)).toBe("ECHO:x");
        expect(device.session.masterToken?.sequenceNumber).toBeGreaterThan(held!.sequenceNumber);
      } finally {
        clock.ms = at;
      }
    }
  });

  test("written again by the server itself, the key response is one", async () => {
    const same = await resigned(server);
    const device = await same.world.device();
    // The payload was left out: what fails is its end, the session is there.
    expect(await codeOf(device)).toBe("MESSAGE_TRUNCATED");
    expect(device.session.masterToken).not.toBeNull();
  });
});
