// Scenarios: every entity, key exchange and user authentication scheme.

import { userIdTokenData } from "../../src/user-auth/user-id-token.ts";
import { failureOf, replyFacts } from "./facts.ts";
import { type DeviceOptions, keys, Network, type NetworkOptions, user } from "./network.ts";
import { type Scenario, scenario } from "./scenario.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "PSK:VEC-PSK-1": "VEC-PSK-1",
  "PSK_PROFILE:VEC-PSKP-1": "VEC-PSKP-1-profile-A",
  "RSA:VEC-rsa-client": "VEC-RSA-1",
  "ECC:VEC-ecc-client": "VEC-ECC-1",
  "X509:client": "CN=VEC X509 client,O=Interop",
  "NONE:VEC-ANON-1": "VEC-ANON-1",
  "NONE_SUFFIXED:VEC-ROOT": "VEC-ROOT.suffix-1",
  PROVISIONED: "provisioned-1",
  "MT_PROTECTED:PSK:VEC-PSK-1": "VEC-PSK-1",
  "MT_PROTECTED:ECC:VEC-ecc-client": "VEC-ECC-1",
};
const SERVERS = ["RSA:VEC-rsa-server", "ECC:VEC-ecc-server", "X509:server", "PSK_PROFILE:VEC-PSKP-SERVER"];
const EXCHANGES = [
  ["ECDH:X25519"],
  ["ECDH:P-256"],
  ["DIFFIE_HELLMAN:group14"],
  ["DIFFIE_HELLMAN:ffdhe2048"],
  ["SYMMETRIC_WRAPPED:PSK"],
  ["JWE_LADDER:PSK", "JWE_LADDER:WRAP"],
  ["JWK_LADDER:PSK", "JWK_LADDER:WRAP"],
  ["ASYMMETRIC_WRAPPED:RSA"],
  ["ASYMMETRIC_WRAPPED:JWE_RSA"],
  ["ASYMMETRIC_WRAPPED:JWEJS_RSA"],
  ["ASYMMETRIC_WRAPPED:JWK_RSA"],
  ["ASYMMETRIC_WRAPPED:JWK_RSAES"],
  ["DIFFIE_HELLMAN:group14", "ECDH:X25519", "SYMMETRIC_WRAPPED:PSK"],
];

/** Two requests, a loss of the session, and a third one, whose answers say whom the server took the device for. */
function exchange(name: string, identity: string, options: DeviceOptions, network: NetworkOptions = {}): Scenario {
  const expected = { replies: ["one", "two", "three"].map((word) => ({ body: `${identity}: ${word}` })) };
  return scenario(name, expected, async (cell) => {
    const made = await Network.create(cell, {
      handler: async (request) => ({ body: `${request.sender}: ${await request.text()}` }),
      ...network,
    });
    const device = await made.device(options);
    const replies: unknown[] = [];
    for (const body of ["one", "two"]) replies.push(await replyFacts(await device.client.request({ body })));
    await device.client.session.clear();
    replies.push(await replyFacts(await device.client.request({ body: "three" })));
    return { replies, ...made.facts() };
  });
}

export const SCHEMES: readonly Scenario[] = [
  ...Object.entries(ENTITIES)
    // Each loss of its session makes it another entity.
    .filter(([entity]) => entity !== "PROVISIONED")
    .map(([entity, identity]) => exchange(`entity ${entity}`, identity, { entity })),
  scenario("entity PROVISIONED", { bodies: ["provisioned-1", "provisioned-1", "provisioned-2"] }, async (cell) => {
    const network = await Network.create(cell, { handler: (request) => ({ body: request.sender ?? "nobody" }) });
    const device = await network.device({ entity: "PROVISIONED" });
    const bodies = [await device.ask(), await device.ask()];
    await device.client.session.clear();
    bodies.push(await device.ask());
    return { bodies, ...network.facts() };
  }),
  ...SERVERS.map((entity) =>
    exchange(`server ${entity}`, "VEC-ECC-1", { entity: "ECC:VEC-ecc-client", keyx: ["ECDH:P-256"] }, { entity }),
  ),
  ...EXCHANGES.map((keyx) => exchange(`key exchange ${keyx.join(", ")}`, "VEC-PSK-1", { keyx })),

  scenario("an entity without key exchange", { body: "ECHO:hello", tokens: null }, async (cell) => {
    const network = await Network.create(cell);
    const device = await network.device({ keyx: [] });
    return { body: await device.ask(), tokens: device.client.session.masterToken, ...network.facts() };
  }),

  scenario(
    "certificates and identities that are refused",
    { failures: [{ code: "X509CERT_EXPIRED" }, { code: "X509CERT_VERIFICATION_FAILED" }, { code: "ENTITY_REVOKED" }] },
    async (cell) => {
      const network = await Network.create(cell, {
        issuer: { checkEntity: (identity) => (identity === "VEC-ECC-1" ? "ENTITY_REVOKED" : null) },
      });
      const failures: unknown[] = [];
      for (const entity of ["X509:expired", "X509:untrusted", "ECC:VEC-ecc-client"]) {
        const device = await network.device({ entity });
        failures.push(await failureOf(device.ask()));
      }
      return { failures, ...network.facts() };
    },
  ),

  scenario("user EMAIL_PASSWORD", { users: ["VEC-user-1", "VEC-user-1"], has: true }, async (cell) => {
    const users: (string | null)[] = [];
    const handler = (request: { user: string | null }) => {
      users.push(request.user);
      return {};
    };
    const network = await Network.create(cell, { handler });
    const device = await network.device();
    await device.ask("in", { user: user() });
    await device.ask("known", { user: { id: user().id, authenticate: () => null } });
    const has = device.client.session.hasUser("VEC-user-1");
    return { users, has, tokens: await device.tokens("VEC-user-1"), ...network.facts() };
  }),

  scenario(
    "user USER_ID_TOKEN: a log-in with the tokens of an earlier session",
    { reply: { body: "VEC-user-2" }, tokens: { user: "VEC-user-2", identity: "VEC-PSK-1", isBound: true } },
    async (cell) => {
      const network = await Network.create(cell, { handler: (request) => ({ body: request.user ?? "nobody" }) });
      const first = await network.device();
      await first.ask("in", { user: user(1) });
      const held = first.client.session.tokensOf("VEC-user-2")!;
      const second = await network.device({ keyx: ["ECDH:P-256"] });
      const authenticate = () => userIdTokenData(held.masterToken, held.userIdToken);
      const reply = await replyFacts(await second.client.request({ body: "x", user: { id: "again", authenticate } }));
      return { reply, tokens: await second.tokens("again"), ...network.facts() };
    },
  ),

  scenario(
    "a wrong password, then the right one, then a server that refuses: texts for the user in a language of the device",
    {
      // The header with the wrong password is no header that was read: its languages do not count.
      failure: { code: "EMAILPASSWORD_INCORRECT", userText: "No: EMAILPASSWORD_INCORRECT", attempts: 1 },
      body: "ECHO:hello",
      refusal: { code: "USERAUTH_ENTITYUSER_INCORRECT_DATA", userText: "Zurückgewiesen: 日本" },
    },
    async (cell) => {
      const texts: Readonly<Record<string, string>> = { de: "Zurückgewiesen: 日本" };
      const network = await Network.create(cell, {
        config: {
          errorText: (code, languages) => texts[languages.find((language) => language in texts) ?? ""] ?? `No: ${code}`,
        },
        handler: async (request) => {
          const body = await request.text();
          return body === "refuse" ? { error: "USERAUTH_ENTITYUSER_INCORRECT_DATA" } : { body: `ECHO:${body}` };
        },
      });
      const device = await network.device({ config: { capabilities: { languages: ["xx", "de", "en"] } } });
      const { id } = keys.users[1]!;
      const wrong = { ...user(1, "no"), authenticate: stubborn(user(1, "no").authenticate) };
      const failure = await failureOf(device.ask("hello", { user: wrong }));
      const body = await device.ask("hello", { user: user(1) });
      const refusal = await failureOf(device.ask("refuse"));
      return { failure, body, refusal, has: device.client.session.hasUser(id), ...network.facts() };
    },
  ),
];

/** Has nothing else to offer when asked again. */
function stubborn<Q extends { readonly reason: string | null }, D>(authenticate: (query: Q) => D | null) {
  return (query: Q) => (query.reason === null ? authenticate(query) : null);
}
