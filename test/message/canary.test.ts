// No secret reaches an error text, a cause or a report, however messages are damaged.

import { expect, test } from "vitest";
import { type EncodeFields, encodeObject, type Format } from "../../src/encoding/codec.ts";
import { sealPair } from "../../src/crypto/seal.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import { World } from "../scenario/world.ts";

interface Parts {
  readonly format: Format;
  readonly header: EncodeFields;
  readonly chunks: readonly Uint8Array[];
}

/** A message under device-1's pre-shared keys, its parts as the test wants them. */
async function message(world: World, { format, header, chunks }: Parts): Promise<Uint8Array> {
  const context = world.pskContextOf("device-1")!;
  const { data, signature } = await sealPair(context, encodeObject(format, header), format);
  const entityauthdata = { scheme: "PSK", authdata: { identity: "device-1" } };
  return Uint8Array.from(
    Buffer.concat([encodeObject(format, { entityauthdata, headerdata: data, signature }), ...chunks]),
  );
}

const HEADER = {
  messageid: 1000,
  renewable: false,
  handshake: false,
  timestamp: 1,
  capabilities: { encoderformats: ["JSON"] },
};

test("no secret stands in any error, cause or report", async () => {
  const canary = "C4N4RY-s3cr3t-value";
  const texts: string[] = [];
  const collect = (error: unknown, depth = 0): void => {
    if (!(error instanceof Error) || depth > 5) return;
    texts.push(error.message, error.stack ?? "", JSON.stringify(error));
    collect(error.cause, depth + 1);
    if (error instanceof MslError) texts.push(String(error.where));
  };
  const world = await World.create({
    handler: async (request) => ({ body: canary, user: (await request.text()) && null }),
  });
  const login = {
    id: "u",
    authenticate: () => ({ scheme: "EMAIL_PASSWORD", authdata: { email: `${canary}@x`, password: canary } }),
  };
  const device = await world.device();
  await device.request({ body: canary, user: login }).catch(collect);
  const first = world.wire[0]!.request;
  for (let n = 0; n < first.length; n += 3) {
    const bad = first.slice();
    bad[n]! ^= 0x15;
    await world.post(bad).catch(collect);
  }
  const headers: EncodeFields[] = [
    { ...HEADER, userauthdata: { scheme: canary, authdata: {} } },
    { ...HEADER, userauthdata: { scheme: "EMAIL_PASSWORD", authdata: { password: canary } } },
    { ...HEADER, servicetokens: [{ tokendata: Buffer.from(canary), signature: Buffer.from(canary) }] },
    { ...HEADER, [canary]: canary, renewable: canary },
  ];
  for (const header of headers)
    await world.post(await message(world, { format: "JSON", header, chunks: [] })).catch(collect);
  for (let flip = 0; flip < 60; flip++) {
    world.tamper = (bytes, direction) => {
      const copy = bytes.slice();
      if (direction === "response") copy[Math.floor((copy.length * flip) / 60)]! ^= 0x41;
      return copy;
    };
    const other = await world.device({}, "device-2");
    await other
      .request({ body: canary, timeoutMs: 5000 })
      .then((reply) => reply.text())
      .catch(collect);
  }
  expect(texts.length).toBeGreaterThan(50);
  const all = [...texts, JSON.stringify(world.reports)].join("\n");
  for (const form of ["utf8", "hex", "base64"] as const)
    expect(all).not.toContain(Buffer.from(canary).toString(form).slice(0, 24));
});
