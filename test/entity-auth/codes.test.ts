// What each entity authentication scheme refuses, and with which code, through a server.

import { describe, expect, test } from "vitest";
import { encodeObject, type EncodeFields } from "../../src/encoding/codec.ts";
import { encodeBase64 } from "../../src/encoding/base64.ts";
import { ecc, eccData, rsa, rsaData } from "../../src/entity-auth/key-pair.ts";
import { none } from "../../src/entity-auth/none.ts";
import { noneSuffixed } from "../../src/entity-auth/none-suffixed.ts";
import { psk } from "../../src/entity-auth/psk.ts";
import { pskProfile } from "../../src/entity-auth/psk-profile.ts";
import type { EntityPolicy } from "../../src/entity-auth/scheme.ts";
import { TrustStore, x509, x509Data } from "../../src/entity-auth/x509.ts";
import { certificate, p256Pair } from "../attacks/certificates.ts";
import { codeOf, HEADER } from "../conformance/kit.ts";
import { clock, World } from "../scenario/world.ts";

const now = Math.floor(clock.ms / 1000);
const root = { subject: "Root", pair: p256Pair() };
const leaf = { subject: "leaf", pair: p256Pair(), issuer: root };
const der = certificate(leaf);

async function network(policy: EntityPolicy = {}) {
  return World.create({
    extend(core, made) {
      const trust = new TrustStore(core);
      trust.add(certificate({ ...root, isAuthority: true }), now);
      const store = {
        publicKey: (id: string) => (id === "key" ? new Uint8Array(65) : null),
        speaksFor: (_id: string, identity: string) => identity !== "admin",
      };
      const entitySchemes = [
        psk({ contextOf: made.pskContextOf, policy }),
        pskProfile({ contextOf: () => null, policy }),
        rsa({ core, store: { ...store, publicKey: () => null }, policy }),
        ecc({ core, store, policy }),
        x509({ core, clock, trust, policy }),
        none({ policy }),
        noneSuffixed({ policy }),
      ];
      return { entitySchemes };
    },
  });
}

/** A message with this entity data and a signature of zero bytes. */
const under = (scheme: EncodeFields[string], authdata: EncodeFields[string]) =>
  encodeObject("JSON", {
    entityauthdata: { scheme, authdata },
    headerdata: encodeObject("JSON", HEADER),
    signature: new Uint8Array(0),
  });

const x509certificate = encodeBase64(der);
const CLAIMS: [string, EncodeFields, string][] = [
  ["PSK", { identity: "device-1" }, "device-1"],
  ["PSK_PROFILE", { pskid: "tv", profile: "kids" }, "tv"],
  ["RSA", { identity: "api", pubkeyid: "key" }, "api"],
  ["ECC", { identity: "api", pubkeyid: "key" }, "api"],
  ["X509", { x509certificate }, "CN=leaf"],
  ["NONE", { identity: "anon" }, "anon"],
  ["NONE_SUFFIXED", { root: "anon", suffix: "tab" }, "anon"],
];

describe.each(CLAIMS)("%s", (scheme, authdata, judged) => {
  test("the policy judges the identity, the id of the keys or the root: revoked, then permitted for the scheme", async () => {
    const asked: string[] = [];
    const isPermitted = async (identity: string, name: string) => asked.push(`${name} ${identity}`) < 0;
    const revoked = await network({ isRevoked: async (identity) => identity === judged, isPermitted });
    expect(await codeOf(revoked, under(scheme, authdata))).toBe("ENTITY_REVOKED");
    expect(asked).toEqual([]);
    const forbidden = await network({ isRevoked: async (identity) => identity !== judged, isPermitted });
    expect(await codeOf(forbidden, under(scheme, authdata))).toBe("INCORRECT_ENTITYAUTH_DATA");
    expect(asked).toEqual([`${scheme} ${judged}`]);
  });

  test("a member that is missing or mistyped cannot be read", async () => {
    const world = await network();
    for (const name of Object.keys(authdata)) {
      const { [name]: _, ...rest } = authdata;
      expect(await codeOf(world, under(scheme, rest))).toBe("MSL_PARSE_ERROR");
      expect(await codeOf(world, under(scheme, { ...authdata, [name]: 1 }))).toBe("MSL_PARSE_ERROR");
    }
    expect(await codeOf(world, under(scheme, "text"))).toBe("MSL_PARSE_ERROR");
  });
});

test.each<[string, EncodeFields, string]>([
  ["PSK", { identity: "nobody" }, "ENTITY_NOT_FOUND"],
  ["PSK", { identity: "device-1" }, "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"],
  ["PSK_PROFILE", { pskid: "nobody", profile: "x" }, "ENTITY_NOT_FOUND"],
  ["RSA", { identity: "api", pubkeyid: "key" }, "RSA_PUBLICKEY_NOT_FOUND"],
  ["ECC", { identity: "api", pubkeyid: "other" }, "ECC_PUBLICKEY_NOT_FOUND"],
  ["ECC", { identity: "admin", pubkeyid: "key" }, "INCORRECT_ENTITYAUTH_DATA"],
  ["X509", { x509certificate: "%%" }, "X509CERT_INVALID"],
  ["X509", { x509certificate: "" }, "X509CERT_INVALID"],
  ["X509", { x509certificate: "AAAA" }, "X509CERT_PARSE_ERROR"],
  ["X509", { x509certificate: encodeBase64(der.subarray(0, 99)) }, "X509CERT_PARSE_ERROR"],
  ["X509", { x509certificate: encodeBase64(certificate({ ...leaf, notAfter: now - 1 })) }, "X509CERT_EXPIRED"],
  ["X509", { x509certificate: encodeBase64(certificate({ ...leaf, notBefore: now + 1 })) }, "X509CERT_NOT_YET_VALID"],
  ["X509", { x509certificate: encodeBase64(certificate({ ...leaf, issuer: leaf })) }, "X509CERT_VERIFICATION_FAILED"],
  ["X509", { x509certificate }, "SIGNATURE_ERROR"],
  ["MT_PROTECTED", {}, "ENTITYAUTH_FACTORY_NOT_FOUND"],
  ["psk", { identity: "device-1" }, "UNIDENTIFIED_ENTITYAUTH_SCHEME"],
  ["MIGRATION", {}, "UNIDENTIFIED_ENTITYAUTH_SCHEME"],
])("%s %#: what is wrong with the data has its code", async (scheme, authdata, code) => {
  expect({ code: await codeOf(await network(), under(scheme, authdata)) }).toEqual({ code });
});

test("a device whose own key is missing says so before anything is sent", async () => {
  const world = await network();
  const { core } = world;
  const store = { publicKey: () => null, speaksFor: () => true };
  const local = { pubkeyid: "key", privateKey: null };
  for (const [scheme, data, code] of [
    [rsa({ core, store, local }), rsaData("api", "key"), "RSA_PRIVATEKEY_NOT_FOUND"],
    [ecc({ core, store, local }), eccData("api", "key"), "ECC_PRIVATEKEY_NOT_FOUND"],
  ] as const) {
    const device = await world.device({ entity: { scheme, data: () => data } });
    await expect(device.request({ body: "x", encrypted: false })).rejects.toMatchObject({ code });
  }
  expect(world.wire).toEqual([]);
  expect(x509Data(der).identity).toBe("CN=leaf");
});
