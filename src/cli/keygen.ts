// `tinymsl keygen`: a key file of format 1 with fresh keys on standard output.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { loadCore } from "../core/core-node.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY, WRAPPING_KEY } from "../core/core.ts";
import { USE_EXPORT } from "../core/abi.ts";
import type { Io } from "./io.ts";
import { fail, parseOptions } from "./options.ts";

const SPEC = { psk: "list", rsa: "list", ecc: "list", user: "list" } as const;
const SERVER = "server";

export async function keygen(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, SPEC, 0);
  const identities = [SERVER, ...options.all("psk").filter((id) => id !== SERVER)];
  if (new Set(identities).size !== identities.length) fail("--psk: an identity is given twice");
  const core = await loadCore();
  const file = {
    format: 1,
    note: "Keys made by tinymsl keygen. Binary values are standard Base64. Keep this file secret.",
    msl: { keyid: "token-keys-1", ...keySet(core) },
    serverpskidentity: SERVER,
    psk: identities.map((identity) => ({ identity, ...keySet(core) })),
    rsa: options.all("rsa").map((id) => ({ pubkeyid: id, identity: id, ...pair("rsa") })),
    ecc: options.all("ecc").map((id) => ({ pubkeyid: id, identity: id, ...pair("ec") })),
    users: options.all("user").map(user),
    servicetokenkeys: [{ name: "", ...keySet(core) }],
    none: [],
    revokedentities: [],
  };
  core.dispose();
  io.out(JSON.stringify(file, null, 2));
  return 0;
}

/** A random encryption and MAC key, and the wrapping key that MSL derives of them. */
function keySet(core: Core) {
  const encryptionkey = randomBytes(16);
  const hmackey = randomBytes(32);
  const encryption = core.importKey(ENCRYPTION_KEY, Uint8Array.from(encryptionkey));
  const mac = core.importKey(MAC_KEY, Uint8Array.from(hmackey));
  const derived = core.deriveWrappingKey(encryption, mac, WRAPPING_KEY.usage | USE_EXPORT);
  const wrappingkey = Buffer.from(core.exportKey(derived));
  for (const key of [encryption, mac, derived]) key.dispose();
  return {
    encryptionkey: encryptionkey.toString("base64"),
    hmackey: hmackey.toString("base64"),
    wrappingkey: wrappingkey.toString("base64"),
  };
}

function pair(kind: "rsa" | "ec") {
  const { publicKey, privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    spki: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    pkcs8: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
  };
}

function user(text: string) {
  const [userid = "", email = "", ...password] = text.split(":");
  if (userid === "" || email === "" || password.length === 0) fail("--user is ID:EMAIL:PASSWORD");
  return { userid, email, password: password.join(":") };
}
