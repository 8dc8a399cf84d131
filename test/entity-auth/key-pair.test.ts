// RSA and ECC: a key speaks for its own identities and no other, and what is missing has its own code.

import { generateKeyPairSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { opaqueSigningContext } from "../../src/crypto/opaque-context.ts";
import { type KeyPairConfig, ecc, eccData, rsa, rsaData } from "../../src/entity-auth/key-pair.ts";
import type { EntityAuthData, EntityScheme } from "../../src/entity-auth/scheme.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import { nodeEntropy } from "../../src/platform/entropy-node.ts";
import { memoryEccKeys, memoryRsaKeys } from "../../src/store/entity-keys.ts";

let core: Core;
beforeAll(async () => {
  core = await loadCore("auto", nodeEntropy);
});

type Local = KeyPairConfig<unknown>["local"];

interface Kind {
  readonly name: "RSA" | "ECC";
  readonly make: () => { readonly pkcs8: Uint8Array; scheme(local?: Local): EntityScheme };
  readonly data: (identity: string, pubkeyid: string) => EntityAuthData;
  readonly noPublicKey: string;
  readonly noPrivateKey: string;
}

const kinds: readonly Kind[] = [
  {
    name: "RSA",
    make: () => {
      const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const spki = pair.publicKey.export({ type: "spki", format: "der" });
      const store = memoryRsaKeys([{ pubkeyid: "key", identities: ["api"], spki }]);
      const pkcs8 = pair.privateKey.export({ type: "pkcs8", format: "der" });
      return { pkcs8, scheme: (local: Local = null) => rsa({ core, store, local: local ?? null }) };
    },
    data: rsaData,
    noPublicKey: "RSA_PUBLICKEY_NOT_FOUND",
    noPrivateKey: "RSA_PRIVATEKEY_NOT_FOUND",
  },
  {
    name: "ECC",
    make: () => {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const spki = pair.publicKey.export({ type: "spki", format: "der" });
      const store = memoryEccKeys([{ pubkeyid: "key", identities: ["api"], spki }]);
      const pkcs8 = pair.privateKey.export({ type: "pkcs8", format: "der" });
      return { pkcs8, scheme: (local: Local = null) => ecc({ core, store, local: local ?? null }) };
    },
    data: eccData,
    noPublicKey: "ECC_PUBLICKEY_NOT_FOUND",
    noPrivateKey: "ECC_PRIVATEKEY_NOT_FOUND",
  },
];

/** The error that `action` raises. */
const refusal = async (action: () => unknown) => {
  try {
    await action();
    return { code: null };
  } catch (error) {
    if (!(error instanceof MslError)) throw error;
    return { code: error.code };
  }
};

describe.each(kinds)("$name", ({ make, data, noPublicKey, noPrivateKey }) => {
  test("what the private key signs, the public key verifies, for a listed identity", async () => {
    const { pkcs8, scheme } = make();
    const own = scheme({ pubkeyid: "key", privateKey: importPrivateKey(core, pkcs8).key });
    const signing = await own.cryptoContext(data("api", "key"));
    const verifying = await scheme().cryptoContext(data("api", "key"));
    const text = Uint8Array.of(1, 2, 3);
    const signature = await signing.sign(text, "JSON");
    expect(await verifying.verify(text, signature)).toBe(true);
    expect(await verifying.verify(Uint8Array.of(1, 2, 4), signature)).toBe(false);
  });

  test("another's key id does not speak for an identity, neither at the receiver nor for the own key", async () => {
    const { pkcs8, scheme } = make();
    const own = scheme({ pubkeyid: "key", privateKey: importPrivateKey(core, pkcs8).key });
    const elsewhere = scheme({ pubkeyid: "key", privateKey: opaqueSigningContext(() => Uint8Array.of(1)) });
    const claim = data("admin", "key");
    expect(await refusal(() => scheme().cryptoContext(claim))).toEqual({ code: "INCORRECT_ENTITYAUTH_DATA" });
    expect(await refusal(() => elsewhere.cryptoContext(claim))).toEqual({ code: "INCORRECT_ENTITYAUTH_DATA" });
    expect(await refusal(() => own.cryptoContext(claim))).toEqual({ code: "INCORRECT_ENTITYAUTH_DATA" });
  });

  test("a missing key is told by its kind", async () => {
    const { scheme } = make();
    const withoutKey = scheme({ pubkeyid: "key", privateKey: null });
    expect(await refusal(() => scheme().cryptoContext(data("api", "other")))).toEqual({ code: noPublicKey });
    expect(await refusal(() => withoutKey.cryptoContext(data("api", "key")))).toEqual({ code: noPrivateKey });
  });
});
