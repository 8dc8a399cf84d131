// EMAIL_PASSWORD: trimming, throttling, stored hashes, and every refusal, through client and server.

import { describe, expect, test } from "vitest";
import type { UserSession } from "../../src/control/api.ts";
import { hashPassword, verifyPassword } from "../../src/platform/passwords-node.ts";
import { emailPassword, type EmailPasswordConfig, isUsablePassword } from "../../src/user-auth/email-password.ts";
import { loginThrottle } from "../../src/user-auth/login-throttle.ts";
import { clock, World } from "../scenario/world.ts";

const session = (email: string, password: string): UserSession => ({
  id: "u",
  authenticate: () => ({ scheme: "EMAIL_PASSWORD", authdata: { email, password } }),
});

async function world(config: Partial<EmailPasswordConfig> = {}) {
  const asked: [string, string][] = [];
  const made = await World.create({
    server: {
      userSchemes: [
        emailPassword({
          verify(email, password) {
            asked.push([email, password]);
            return password === "secret" ? email : null;
          },
          ...config,
        }),
      ],
    },
    handler: (request) => ({ body: String(request.user) }),
  });
  const login = async (email: string, password: string, identity = "device-1") => {
    const device = await made.device({}, identity);
    try {
      return await (await device.request({ body: "x", user: session(email, password) })).text();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { made, asked, login };
}

describe("what is refused", () => {
  test("both fields are trimmed up to U+0020, no further", async () => {
    const { login, asked } = await world();
    expect(await login("\t a@b.c \u0000", "\n secret ")).toBe("a@b.c");
    expect(await login("a@b.c\u00a0", "secret")).toBe("a@b.c\u00a0");
    expect(asked).toEqual([
      ["a@b.c", "secret"],
      ["a@b.c\u00a0", "secret"],
    ]);
    expect(["secret", " secret", "secret\t", ""].map(isUsablePassword)).toEqual([true, false, false, false]);
  });

  test("raises EMAILPASSWORD_BLANK and EMAILPASSWORD_INCORRECT", async () => {
    const { login } = await world();
    expect(await login("  ", "secret")).toBe("EMAILPASSWORD_BLANK");
    expect(await login("a@b.c", " \t")).toBe("EMAILPASSWORD_BLANK");
    expect(await login("a@b.c", "wrong")).toBe("EMAILPASSWORD_INCORRECT");
  });

  test("raises USERAUTH_ENTITY_INCORRECT_DATA before and USERAUTH_ENTITYUSER_INCORRECT_DATA after the password", async () => {
    const entity = await world({ isEntityPermitted: async (identity) => identity !== "device-2" });
    expect(await entity.login("a@b.c", "secret", "device-2")).toBe("USERAUTH_ENTITY_INCORRECT_DATA");
    expect(entity.asked).toEqual([]);
    expect(await entity.login("a@b.c", "secret")).toBe("a@b.c");
    const pair = await world({ isUserPermitted: async (_identity, name) => name !== "a@b.c" });
    expect(await pair.login("a@b.c", "wrong")).toBe("EMAILPASSWORD_INCORRECT");
    expect(await pair.login("a@b.c", "secret")).toBe("USERAUTH_ENTITYUSER_INCORRECT_DATA");
  });
});

describe("guessing", () => {
  test("is blocked for a device with an account, answered like a wrong password, and over after the window", async () => {
    const start = clock.ms;
    const throttle = loginThrottle({ clock, perPair: 3, windowSec: 60 });
    const { login, asked } = await world({ throttle });
    for (let i = 0; i < 3; i++) expect(await login("a@b.c", `guess-${i}`)).toBe("EMAILPASSWORD_INCORRECT");
    asked.length = 0;
    expect(await login("a@b.c", "secret")).toBe("EMAILPASSWORD_INCORRECT");
    expect(asked).toEqual([]);
    expect(await login("a@b.c", "secret", "device-2")).toBe("a@b.c");
    expect(await login("z@b.c", "secret")).toBe("z@b.c");
    clock.ms = start + 61_000;
    expect(await login("a@b.c", "secret")).toBe("a@b.c");
    clock.ms = start;
  });

  test("over many accounts from one device, and on one account from many devices, is blocked too", () => {
    const throttle = loginThrottle({ clock, perEntity: 5, perAccount: 7 });
    for (let i = 0; i < 5; i++) throttle.failed("device", `user-${i}`);
    expect(throttle.isBlocked("device", "fresh")).toBe(true);
    for (let i = 0; i < 7; i++) throttle.failed(`device-${i}`, "Target");
    expect(throttle.isBlocked("fresh", "target")).toBe(true);
    expect(throttle.isBlocked("fresh", "other")).toBe(false);
  });

  test("a success clears the pair's count, and rows are bounded", () => {
    const throttle = loginThrottle({ clock, perPair: 2, maxRows: 30 });
    throttle.failed("d", "a");
    throttle.succeeded("d", "a");
    throttle.failed("d", "a");
    expect(throttle.isBlocked("d", "a")).toBe(false);
    for (let i = 0; i < 1000; i++) throttle.failed(`d${i}`, `a${i}`);
    throttle.failed("d999", "a999");
    expect(throttle.isBlocked("d999", "a999")).toBe(true);
    throttle.failed("d", "a");
    expect(throttle.isBlocked("d", "a")).toBe(false);
  });

  test("failures count although the message is refused later for another reason", async () => {
    const throttle = loginThrottle({ clock, perPair: 2 });
    const { made, login } = await world({ throttle });
    made.tamper = (bytes, direction) => (direction === "request" ? bytes.subarray(0, bytes.length - 10) : bytes);
    // The chunk behind the header is cut: the header was read, and with it the password.
    for (let i = 0; i < 2; i++) await login("a@b.c", "guess");
    made.tamper = null;
    expect(await login("a@b.c", "secret")).toBe("EMAILPASSWORD_INCORRECT");
  });
});

test("stored hashes are salted, slow, and read with the parameters that they were made with", async () => {
  const cheap = { N: 1024 };
  const stored = await hashPassword("secret", cheap);
  expect(stored).not.toBe(await hashPassword("secret", cheap));
  expect(stored).toMatch(/^scrypt\$1024\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
  expect(await verifyPassword(stored, "secret")).toBe(true);
  expect(await verifyPassword(stored, "Secret")).toBe(false);
  expect(await verifyPassword(null, "secret")).toBe(false);
  for (const bad of ["", "scrypt$1024$8$1$$", "scrypt$99999999$8$1$AAAA$AAAA", "bcrypt$1$1$1$a$b", `${stored}$x`]) {
    expect(await verifyPassword(bad, "secret")).toBe(false);
  }
});
