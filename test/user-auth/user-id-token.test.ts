// USER_ID_TOKEN through client and server: a silent login with the tokens of another session of the same entity, and
// every way in which such a pair is refused.

import { describe, expect, test } from "vitest";
import type { MslClient, UserSession } from "../../src/control/api.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { emailPassword } from "../../src/user-auth/email-password.ts";
import { userIdToken, userIdTokenData, type UserIdTokenConfig } from "../../src/user-auth/user-id-token.ts";
import { clock, user, World } from "../scenario/world.ts";

type Pair = NonNullable<ReturnType<MslClient["session"]["tokensOf"]>>;

async function world(scheme: Partial<UserIdTokenConfig> = {}, issuerConfig: Partial<IssuerConfig> = {}) {
  const state = new IssuerMemory();
  const made = await World.create({
    state,
    server: {},
    extend(core) {
      const crypto = tokenKeys([
        slotContext(core, {
          keyId: "tokens",
          encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(7)),
          mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(8)),
        }),
      ]);
      const issuer = createTokenIssuer({ core, crypto, state, clock, ...issuerConfig });
      return {
        tokenCrypto: crypto,
        issuer,
        userSchemes: [
          emailPassword({ verify: (email, password) => (password === "secret" ? `user-of-${email}` : null) }),
          userIdToken({ core, clock, tokenCrypto: crypto, issuer, ...scheme }),
        ],
      };
    },
    handler: async (request) => ({ body: String(request.user) }),
  });
  return { made, state };
}

const ask = async (device: MslClient, session: UserSession) =>
  (await device.request({ body: "x", user: session })).text();

async function loggedIn(made: World, identity = "device-1"): Promise<Pair> {
  const device = await made.device({}, identity);
  await ask(device, user());
  return device.session.tokensOf("local-user") ?? expect.unreachable();
}

const withPair = (pair: Pair, id = "silent") => ({
  id,
  authenticate: () => userIdTokenData(pair.masterToken, pair.userIdToken),
});

const refusal = async (made: World, session: UserSession, identity = "device-1") => {
  const error = await ask(await made.device({}, identity), session).then(
    () => null,
    (thrown) => thrown,
  );
  return error?.code ?? null;
};

describe("a pair of tokens", () => {
  test("logs its user in at another session of the entity", async () => {
    const { made } = await world();
    const pair = await loggedIn(made);
    const other = await made.device();
    expect(await ask(other, withPair(pair))).toBe("user-of-a@b.c");
    expect(other.session.hasUser("silent")).toBe(true);
  });

  test("raises USERAUTH_ENTITY_MISMATCH for another entity", async () => {
    const { made } = await world();
    const pair = await loggedIn(made);
    expect(await refusal(made, withPair(pair), "device-2")).toBe("USERAUTH_ENTITY_MISMATCH");
  });

  test("raises USERAUTH_MASTERTOKEN_NOT_DECRYPTED and USERAUTH_USERIDTOKEN_NOT_DECRYPTED for wrong signatures", async () => {
    const { made } = await world();
    const { masterToken, userIdToken: token } = await loggedIn(made);
    const broken = (signature: Uint8Array) => signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    const badMaster = { ...masterToken, signature: broken(masterToken.signature) };
    const badUser = { ...token, signature: broken(token.signature) };
    expect(await refusal(made, withPair({ masterToken: badMaster, userIdToken: token }))).toBe(
      "USERAUTH_MASTERTOKEN_NOT_DECRYPTED",
    );
    expect(await refusal(made, withPair({ masterToken, userIdToken: badUser }))).toBe(
      "USERAUTH_USERIDTOKEN_NOT_DECRYPTED",
    );
  });

  test("raises USERAUTH_MASTERTOKEN_INVALID and USERAUTH_USERIDTOKEN_INVALID for tokens that cannot be read", async () => {
    const { made } = await world();
    const { masterToken, userIdToken: token } = await loggedIn(made);
    const noise = new Uint8Array([1, 2, 3]);
    const unreadable = { ...masterToken, tokendata: noise };
    expect(await refusal(made, withPair({ masterToken: unreadable, userIdToken: token }))).toBe(
      "USERAUTH_MASTERTOKEN_INVALID",
    );
    const badUser = { ...token, tokendata: noise };
    expect(await refusal(made, withPair({ masterToken, userIdToken: badUser }))).toBe("USERAUTH_USERIDTOKEN_INVALID");
  });

  test("of different master tokens is a usage error here and raises USERAUTH_USERIDTOKEN_INVALID there", async () => {
    const { made } = await world();
    const first = await loggedIn(made);
    const second = await loggedIn(made);
    expect(() => userIdTokenData(first.masterToken, second.userIdToken)).toThrow(MslUsageError);
    const mixed = {
      id: "mixed",
      authenticate: () => ({
        scheme: "USER_ID_TOKEN",
        authdata: {
          mastertoken: { tokendata: first.masterToken.tokendata, signature: first.masterToken.signature },
          useridtoken: { tokendata: second.userIdToken.tokendata, signature: second.userIdToken.signature },
        },
      }),
    };
    expect(await refusal(made, mixed)).toBe("USERAUTH_USERIDTOKEN_INVALID");
  });

  test.each(["mastertoken", "useridtoken"])("without %s raises MSL_PARSE_ERROR", async (missing) => {
    const { made } = await world();
    const pair = await loggedIn(made);
    const { authdata } = userIdTokenData(pair.masterToken, pair.userIdToken);
    const { [missing]: _gone, ...rest } = authdata;
    const session = { id: "s", authenticate: () => ({ scheme: "USER_ID_TOKEN", authdata: rest }) };
    expect(await refusal(made, session)).toBe("MSL_PARSE_ERROR");
  });

  test("raises USERAUTH_ENTITY_INCORRECT_DATA and USERAUTH_ENTITYUSER_INCORRECT_DATA by policy", async () => {
    const entity = await world({ isEntityPermitted: async () => false });
    expect(await refusal(entity.made, withPair(await loggedIn(entity.made)))).toBe("USERAUTH_ENTITY_INCORRECT_DATA");
    const users = await world({ isUserPermitted: async (_identity, name) => name !== "user-of-a@b.c" });
    expect(await refusal(users.made, withPair(await loggedIn(users.made)))).toBe("USERAUTH_ENTITYUSER_INCORRECT_DATA");
  });

  test("raises USERIDTOKEN_REVOKED once its token, its user or its generation is void", async () => {
    for (const revoke of ["token", "user", "login"] as const) {
      const { made, state } = await world();
      const pair = await loggedIn(made);
      if (revoke === "token") state.revokeUserIdToken(pair.userIdToken.serialNumber);
      if (revoke === "user") state.revokeUser("user-of-a@b.c");
      if (revoke === "login") state.demandLogin("user-of-a@b.c");
      expect(await refusal(made, withPair(pair))).toBe("USERIDTOKEN_REVOKED");
    }
  });

  test("raises USERAUTH_USERIDTOKEN_REVOKE_CHECK_ERROR when revocation cannot be looked up", async () => {
    const broken = {
      checkMasterToken: () => null,
      checkUserIdToken() {
        throw new Error("the database is away");
      },
    };
    const { made } = await world({ issuer: broken });
    expect(await refusal(made, withPair(await loggedIn(made)))).toBe("USERAUTH_USERIDTOKEN_REVOKE_CHECK_ERROR");
  });

  test("with a revoked master token raises USERAUTH_MASTERTOKEN_INVALID", async () => {
    const { made, state } = await world();
    const pair = await loggedIn(made);
    state.revokeMasterToken(pair.masterToken.serialNumber);
    expect(await refusal(made, withPair(pair))).toBe("USERAUTH_MASTERTOKEN_INVALID");
  });

  test("expired is refused, unless allowed as the reference does", async () => {
    const life = { renewSec: 10, expireSec: 20 };
    const long = { renewSec: 1000, expireSec: 2000 };
    const start = clock.ms;
    try {
      for (const [master, token, allowExpired, expected] of [
        [life, long, false, "USERAUTH_MASTERTOKEN_INVALID"],
        [long, life, false, "USERAUTH_USERIDTOKEN_INVALID"],
        [life, life, true, null],
      ] as const) {
        const { made } = await world({ allowExpired }, { masterTokenLife: master, userIdTokenLife: token });
        const pair = await loggedIn(made);
        clock.ms += 30_000;
        expect(await refusal(made, withPair(pair))).toBe(expected);
      }
    } finally {
      clock.ms = start;
    }
  });

  test("next to another user's token raises USERIDTOKEN_USERAUTH_DATA_MISMATCH", async () => {
    const { made } = await world();
    const pair = await loggedIn(made);
    const device = await made.device();
    const other = {
      id: "other",
      authenticate: ({ required }: { required: boolean }) =>
        required
          ? { scheme: "EMAIL_PASSWORD", authdata: { email: "z@y.x", password: "secret" } }
          : userIdTokenData(pair.masterToken, pair.userIdToken),
    };
    expect(await ask(device, other)).toBe("user-of-z@y.x");
    const seen: string[] = [];
    for (const report of made.reports) if (report.error !== null) seen.push(String(report.error.code));
    expect(seen).toEqual([]);
    // The next message carries the user's token and this pair: refused, then the device logs in anew by itself.
    expect(await ask(device, other)).toBe("user-of-z@y.x");
    expect(made.reports.map((report) => report.error?.code ?? null)).toContain("USERIDTOKEN_USERAUTH_DATA_MISMATCH");
  });
});
