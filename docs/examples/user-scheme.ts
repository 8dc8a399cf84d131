// A user authentication scheme of an application: a pairing code that a phone shows. Registered like the library's own:
// the device sends `authdata`, the server checks it and names the user.

import { randomInt, timingSafeEqual } from "node:crypto";
import { MslProtocolError } from "tinymsl/errors";
import { listen } from "tinymsl/transport/server";
import type { UserScheme } from "tinymsl/user-auth/scheme";
import { device, server } from "./network.js";

/** Codes that phones show, each for one user, used once. */
const codes = new Map<string, string>();

const pairingCode: UserScheme = {
  name: "PAIRING_CODE",
  // Reads the fields; what it returns comes back as `parsed`.
  validate: (authdata) => authdata.string("code"),
  authenticate({ parsed, userIdToken }) {
    const given = Buffer.from(String(parsed).padEnd(6).slice(0, 6));
    for (const [code, user] of codes) {
      if (!timingSafeEqual(Buffer.from(code), given)) continue;
      codes.delete(code);
      // A message may carry a user ID token too: it has to be of the same user.
      const named = userIdToken?.verified?.user ?? null;
      if (named !== null && named !== user) throw new MslProtocolError("USERIDTOKEN_USERAUTH_DATA_MISMATCH");
      return user;
    }
    // Asks the device for other credentials. Errors and logs never show what was typed.
    throw new MslProtocolError("USERAUTH_VERIFICATION_FAILED");
  },
};

const msl = await server({ userSchemes: [pairingCode] });
const listening = await listen((reader, writer, options) =>
  msl.receive(reader, writer, async (request) => ({ body: `Hello ${request.user}` }), options),
);

const shown = String(randomInt(1_000_000)).padStart(6, "0");
codes.set(shown, "maria");
const tv = await device(listening.url);
const typed = ["wrong", shown];
const user = {
  id: "local",
  // Asked again, with a reason, when the server refused the first code.
  authenticate: ({ required }: { required: boolean }) =>
    required ? { scheme: "PAIRING_CODE", authdata: { code: typed.shift() ?? "" } } : null,
};
const first = await tv.request({ body: "who am I?", user, timeoutMs: 5000 });
console.log(await first.text());
const second = await tv.request({ body: "and now, without a code?", user, timeoutMs: 5000 });
console.log(await second.text());
await tv.close();
await listening.close();
