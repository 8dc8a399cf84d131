// Attacks on MT_PROTECTED: what is hidden under a session that is over, nested, claims what it does not prove, or was seen
// on the wire and is sent again by somebody else.

import { describe, expect, test } from "vitest";
import { nullContext } from "../../src/crypto/null.ts";
import { sealPair } from "../../src/crypto/seal.ts";
import { encodeObject } from "../../src/encoding/codec.ts";
import { mtProtected, mtProtectedData } from "../../src/entity-auth/mt-protected.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { noneSuffixed, noneSuffixedData } from "../../src/entity-auth/none-suffixed.ts";
import { provisioned, provisionedData } from "../../src/entity-auth/provisioned.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { type EntityAuthData, entityAuthFields } from "../../src/entity-auth/scheme.ts";
import { masterTokenFields, type MasterToken } from "../../src/tokens/master-token.ts";
import { codeOf, FORMATS, HEADER, issue, issuerOf, keyRequests, message, outcome } from "../conformance/kit.ts";
import { clock, issuerKeys, World } from "../scenario/world.ts";

/** A server that takes MT_PROTECTED around everything. */
async function network(policy: Parameters<typeof mtProtected>[0]["policy"] = {}) {
  const made = await World.create({
    extend(core, world) {
      const plain = [world.psk(), none(), noneSuffixed(), provisioned({ nextIdentity: () => "drawn", limit: null })];
      const deeper = mtProtected({ core, clock, inner: plain, tokenCrypto: issuerKeys(core), issuer: issuerOf(world) });
      const inner = [...plain, deeper];
      const hidden = mtProtected({
        core,
        clock,
        inner,
        policy,
        tokenCrypto: issuerKeys(core),
        issuer: issuerOf(world),
        // What a server should not look at: a session known by the token's fields alone.
        sessionFor: (token) => sessions.get(token.serialNumber) ?? null,
      });
      return { entitySchemes: [...plain, hidden] };
    },
  });
  return made;
}
const sessions = new Map<number, Awaited<ReturnType<typeof issue>>["verified"]["context"]>();

const context = (world: World) => world.pskContextOf("device-1")!;

/** A message whose sender is `entity`, under device-1's pre-shared keys. */
const under = (world: World, entity: EntityAuthData, fields = HEADER) =>
  message("JSON", { entity, context: context(world) }, fields);

describe.each(FORMATS)("%s", (format) => {
  test("data under a session of the network hides who sends: the header proves it", async () => {
    const world = await network();
    const token = await issue(world);
    const entity = await mtProtectedData(token, token.verified.context, pskData("device-1"));
    const bytes = await message(format, { entity, context: context(world) }, HEADER);
    const { code, reply } = await outcome(world, bytes);
    expect([code, reply.kind]).toEqual(["accepted", "message"]);
    expect(world.reports.find((report) => report.direction === "in")).toMatchObject({ sender: "device-1" });
  });
});

test("nested data is refused, also where the scheme is among the inner ones", async () => {
  const world = await network();
  const token = await issue(world);
  const once = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  const twice = await mtProtectedData(token, token.verified.context, once);
  expect(await codeOf(world, await under(world, twice))).toBe("INCORRECT_ENTITYAUTH_DATA");
  expect(await codeOf(world, await under(world, once))).toBe("accepted");
});

test("data under a revoked token, or one that is over, is refused", async () => {
  const world = await network();
  const token = await issue(world);
  const entity = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  const bytes = await under(world, entity);
  expect(await codeOf(world, bytes)).toBe("accepted");
  const start = clock.ms;
  try {
    clock.ms += 2001 * 1000;
    expect(await codeOf(world, bytes)).toBe("ENTITYAUTH_MASTERTOKEN_INVALID");
  } finally {
    clock.ms = start;
  }
  expect(await codeOf(world, bytes)).toBe("accepted");
  await world.state.revokeMasterToken(token.serialNumber);
  expect(await codeOf(world, bytes)).toBe("ENTITYAUTH_MASTERTOKEN_INVALID");
});

test("a token with a changed signature is worth nothing, though its session is known", async () => {
  const world = await network();
  const token = await issue(world);
  sessions.set(token.serialNumber, token.verified.context);
  const entity = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  const signature = token.signature.map((byte, i) => (i === 3 ? byte ^ 1 : byte));
  const authdata = { ...entity.authdata, mastertoken: { ...masterTokenFields(token), signature } };
  expect(await codeOf(world, await under(world, { ...entity, authdata }))).toBe("ENTITYAUTH_MASTERTOKEN_NOT_DECRYPTED");
  expect(await codeOf(world, await under(world, entity))).toBe("accepted");
  sessions.clear();
});

test("claims without proof stay claims: they end no session of who proved the name, and name nobody anew", async () => {
  const world = await network();
  const token = await issue(world);
  // A session of device-1, proved.
  const before = await world.state.readLines("device-1");
  const fields = { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
  const claim = async (inner: EntityAuthData) =>
    outcome(
      world,
      await message(
        "JSON",
        { entity: await mtProtectedData(token, token.verified.context, inner), context: nullContext },
        fields,
      ),
    );
  const claimed = await claim(noneData("device-1"));
  expect(claimed.code).toBe("accepted");
  expect(claimed.reply.issued?.verified.identity).toBe("device-1");
  const lines = await world.state.readLines("device-1");
  expect(lines).toEqual(expect.arrayContaining([...before]));
  expect(lines).toHaveLength(2);
  const suffixed = await claim(noneSuffixedData("device", "1"));
  expect(suffixed.code).toBe("accepted");
  expect(suffixed.reply.issued?.verified.identity).toBe("device.1");
  expect((await claim(provisionedData())).code).toBe("INCORRECT_ENTITYAUTH_DATA");
  // The same exchange with proof does replace the line.
  const entity = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  const proved = await outcome(world, await message("JSON", { entity, context: context(world) }, fields));
  expect(proved.code).toBe("accepted");
  const [line] = before;
  expect((await world.state.readLines("device-1")).map(({ serialNumber }) => serialNumber)).not.toContain(
    line?.serialNumber,
  );
});

test("data that was seen is of no use to others: neither the header's key nor another session fits", async () => {
  const world = await network();
  const token = await issue(world);
  const blob = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  const wrongKey = { entity: blob, context: world.pskContextOf("device-2")! };
  expect(await codeOf(world, await message("JSON", wrongKey, HEADER))).toBe(
    "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED",
  );
  const unsigned = { entity: blob, context: nullContext };
  expect(await codeOf(world, await message("JSON", unsigned, HEADER))).toBe(
    "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED",
  );
  // Moved under the attacker's own token, and with other data under the right one.
  const foreign = await issue(world, undefined, "device-2");
  const moved = { ...blob, authdata: { ...blob.authdata, mastertoken: masterTokenFields(foreign) } };
  expect(await codeOf(world, await under(world, moved))).toBe("ENTITYAUTH_VERIFICATION_FAILED");
  const other = await hide(foreign, foreign.verified.context, pskData("device-1"));
  const mixed = { ...blob, authdata: { ...other, mastertoken: masterTokenFields(token) } };
  expect(await codeOf(world, await under(world, mixed))).toBe("ENTITYAUTH_VERIFICATION_FAILED");
  expect(await codeOf(world, await under(world, blob))).toBe("accepted");
});

test("the inner identity is judged by the policy, and by the inner scheme", async () => {
  const isRevoked = async (identity: string) => identity === "device-1";
  const revoking = await network({ isRevoked });
  const token = await issue(revoking);
  const entity = await mtProtectedData(token, token.verified.context, pskData("device-1"));
  expect(await codeOf(revoking, await under(revoking, entity))).toBe("ENTITY_REVOKED");
  const forbidding = await network({ isPermitted: async (_identity, scheme) => scheme !== "MT_PROTECTED" });
  expect(await codeOf(forbidding, await under(forbidding, entity))).toBe("INCORRECT_ENTITYAUTH_DATA");
  const world = await network();
  const nobody = await mtProtectedData(token, token.verified.context, pskData("nobody"));
  expect(await codeOf(world, await under(world, nobody))).toBe("ENTITY_NOT_FOUND");
  const rsa = { scheme: "RSA", identity: "x", authdata: { identity: "x", pubkeyid: "x" } };
  const unknown = await mtProtectedData(token, token.verified.context, rsa);
  expect(await codeOf(world, await under(world, unknown))).toBe("ENTITYAUTH_FACTORY_NOT_FOUND");
});

/** Sealed data of one session, without its token. */
async function hide(_token: MasterToken, session: Parameters<typeof sealPair>[0], inner: EntityAuthData) {
  const { data, signature } = await sealPair(session, encodeObject("JSON", entityAuthFields(inner)), "JSON");
  return { authdata: data, signature };
}
