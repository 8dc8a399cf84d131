// Attacks on users: credentials where nothing keeps them whole, and schemes of an application that refuse.

import { expect, test } from "vitest";
import { createMetrics } from "../../src/control/metrics.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import type { EntityScheme } from "../../src/entity-auth/scheme.ts";
import { MslProtocolError, MslRemoteError } from "../../src/errors/msl-error.ts";
import type { UserScheme } from "../../src/user-auth/scheme.ts";
import { emailPassword, emailPasswordData } from "../../src/user-auth/email-password.ts";
import { loginThrottle } from "../../src/user-auth/login-throttle.ts";
import { codeOf, HEADER, message, seen } from "../conformance/kit.ts";
import { clock, World } from "../scenario/world.ts";

/** An application's scheme: the pre-shared keys, of which it uses as many as it says. */
function home(world: World, encrypts: boolean, protectsIntegrity: boolean): EntityScheme {
  return {
    name: "HOME",
    encrypts,
    protectsIntegrity,
    parse: (authdata) => homeData(authdata.string("identity")),
    cryptoContext: ({ identity }) => partly(world, identity, encrypts, protectsIntegrity),
  };
}

const homeData = (identity: string) => ({ scheme: "HOME", identity, authdata: { identity } });

function partly(world: World, identity: string, encrypts: boolean, signs: boolean): CryptoContext {
  const whole = world.pskContextOf(identity)!;
  return {
    encrypt: (plain, format) => (encrypts ? whole.encrypt(plain, format) : plain.slice()),
    decrypt: (data) => (encrypts ? whole.decrypt(data) : data.slice()),
    sign: (data, format) => (signs ? whole.sign(data, format) : new Uint8Array(0)),
    verify: (data, signature) => (signs ? whole.verify(data, signature) : true),
    wrapKey: (key) => whole.wrapKey(key),
    unwrapKey: (wrapped, spec) => whole.unwrapKey(wrapped, spec),
    slots: null,
    dispose() {},
  };
}

test.each([
  [true, true, "accepted"],
  [true, false, "UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA"],
  [false, true, "UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA"],
  [false, false, "UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA"],
])("credentials in a header that is encrypted: %s, signed: %s", async (encrypts, signs, code) => {
  const world = await World.create({ extend: (_core, made) => ({ entitySchemes: [home(made, encrypts, signs)] }) });
  const sender = { entity: homeData("device-1"), context: partly(world, "device-1", encrypts, signs) };
  const userauthdata = { ...emailPasswordData("a@b.c", "secret") };
  expect(await codeOf(world, await message("JSON", sender, { ...HEADER, userauthdata }))).toBe(code);
  // Without credentials it is a message like any other.
  expect(await codeOf(world, await message("JSON", sender, HEADER))).toBe("accepted");
});

test("a stranger under a device's name uses up its own attempts, not the device's", async () => {
  const throttle = loginThrottle({ clock, perPair: 100, perEntity: 3, perAccount: 100 });
  const verify = (email: string, password: string) => (password === "secret" ? email : null);
  const world = await World.create({ server: { userSchemes: [emailPassword({ verify, throttle })] } });
  const login = async (entity: ReturnType<World["anonymous"] | World["entity"]>, password: string) => {
    const device = await world.device({ entity });
    const authenticate = ({ reason }: { reason: string | null }) =>
      reason === null ? emailPasswordData("a@b.c", password) : null;
    return device.request({ body: "x", user: { id: "u", authenticate } }).then(
      (reply) => reply.text(),
      (error) => error.code,
    );
  };
  const stranger = world.anonymous("device-1");
  for (let i = 0; i < 3; i++) expect(await login(stranger, `guess-${i}`)).toBe("EMAILPASSWORD_INCORRECT");
  expect(await login(stranger, "secret")).toBe("EMAILPASSWORD_INCORRECT");
  expect(await login(world.entity("device-1"), "secret")).toBe("ECHO:x");
  for (let i = 0; i < 3; i++) await login(world.entity("device-1"), `guess-${i}`);
  expect(await login(world.entity("device-1"), "secret")).toBe("EMAILPASSWORD_INCORRECT");
});

test("a refusal of an application's scheme is the device's to answer with other credentials, and counted", async () => {
  const codes = new Map([["1234", "maria"]]);
  const pairing: UserScheme = {
    name: "PAIRING",
    validate: (authdata) => authdata.string("code"),
    authenticate: ({ parsed }) =>
      codes.get(String(parsed)) ?? Promise.reject(new MslProtocolError("USERAUTH_VERIFICATION_FAILED")),
  };
  const metrics = createMetrics();
  const world = await World.create({
    server: { userSchemes: [pairing], onEvent: metrics.onEvent },
    handler: async (request) => ({ body: String(request.user) }),
  });
  const asked: (string | null)[] = [];
  const login = (typed: string[]) => ({
    id: "local",
    authenticate({ reason }: { reason: string | null }) {
      asked.push(reason);
      const code = typed.shift();
      return code === undefined ? null : { scheme: "PAIRING", authdata: { code } };
    },
  });
  const device = await world.device();
  const refused = await device.request({ body: "x", user: login(["0000"]) }).catch((error) => error);
  expect(refused).toBeInstanceOf(MslRemoteError);
  expect(refused).toMatchObject({ code: "USERAUTH_VERIFICATION_FAILED", responseCode: 7 });
  expect(asked).toEqual([null, "USERDATA_REAUTH"]);
  expect(await (await device.request({ body: "x", user: login(["9999", "1234"]) })).text()).toBe("maria");
  expect(seen(world).map((report) => report.userScheme)).toEqual(["PAIRING"]);
  expect(metrics.snapshot().logins).toEqual({ succeeded: 1, failed: 2 });
});
