// Attacks on X509: certificates that must not speak for anyone, sent to a server in messages that are right otherwise.

import { beforeAll, describe, expect, test } from "vitest";
import type { EntityScheme } from "../../src/entity-auth/scheme.ts";
import { TrustStore, x509, type X509Config, x509Data } from "../../src/entity-auth/x509.ts";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { clock, World } from "../scenario/world.ts";
import { certificate, type CertificateOptions, type Pair, p256Pair, pkcs8Of, rsaPair } from "./certificates.ts";

const now = Math.floor(clock.ms / 1000);
const DAY = 86_400;
const SIGNING = 0x80;

interface Authority {
  readonly subject: string;
  readonly pair: Pair;
}

let root: Authority;
let middle: Authority;
let other: Authority;
const device = { subject: "device-x", pair: p256Pair() };
beforeAll(() => {
  root = { subject: "Root", pair: rsaPair() };
  middle = { subject: "Middle", pair: p256Pair() };
  other = { subject: "Other root", pair: p256Pair() };
});

const authority = (own: Authority, options: Partial<CertificateOptions> = {}) =>
  certificate({ ...own, isAuthority: true, keyUsage: 0x04, ...options });
const leaf = (issuer: Authority, options: Partial<CertificateOptions> = {}) =>
  certificate({ ...device, issuer, keyUsage: SIGNING, ...options });

interface Setting {
  readonly trusted?: (at: TrustStore) => void;
  readonly config?: Partial<X509Config>;
}

/** A server that trusts the root and what it issued. */
async function network({ trusted, config = {} }: Setting = {}) {
  let scheme: EntityScheme | null = null;
  const world = await World.create({
    extend(core, made) {
      const trust = new TrustStore(core);
      trust.add(authority(root), now);
      trust.add(authority(middle, { issuer: root }), now);
      trusted?.(trust);
      scheme = x509({ core, clock, trust, ...config });
      return { entitySchemes: [made.psk(), scheme] };
    },
  });
  /** What the server says to a request under this certificate, signed with the key of `pair`. */
  const presents = async (der: Uint8Array, pair: Pair = device.pair) => {
    const { core } = world;
    const privateKey = importPrivateKey(core, pkcs8Of(pair)).key;
    const own = x509({ core, clock, trust: new TrustStore(core), local: { certificate: der, privateKey } });
    const from = world.reports.length;
    const client = await world.device({ entity: { scheme: own, data: () => x509Data(der) } });
    const text = await client.request({ body: "x", encrypted: false, requireReply: {} }).then(
      async (reply) => (await reply.text()).replace("ECHO:x", "accepted"),
      (error) => error.code as string,
    );
    const sender = world.reports.slice(from).find((report) => report.direction === "in")?.sender ?? null;
    await client.close();
    return [text, sender];
  };
  return { world, presents, scheme: () => scheme ?? expect.unreachable() };
}

const ACCEPTED = ["accepted", "CN=device-x"];

describe("a certificate", () => {
  test("under a root, under an authority of a root, of either kind of key, is accepted", async () => {
    const { presents } = await network();
    expect(await presents(leaf(root))).toEqual(ACCEPTED);
    const deeper = await network();
    expect(await deeper.presents(leaf(middle))).toEqual(ACCEPTED);
    const withRsa = rsaPair();
    const third = await network();
    expect(await third.presents(leaf(middle, { pair: withRsa }), withRsa)).toEqual(ACCEPTED);
  });

  test("whose key somebody else has proves nothing", async () => {
    const { presents } = await network();
    expect(await presents(leaf(root), p256Pair())).toEqual(["MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED", null]);
    expect(await presents(leaf(root))).toEqual(ACCEPTED);
  });

  test("that is over or not yet valid is refused", async () => {
    const { presents } = await network();
    expect(await presents(leaf(root, { notAfter: now + 1 }))).toEqual(ACCEPTED);
    expect(await presents(leaf(root, { notAfter: now - 1 }))).toEqual(["X509CERT_EXPIRED", null]);
    expect(await presents(leaf(root, { notBefore: now + 1 }))).toEqual(["X509CERT_NOT_YET_VALID", null]);
  });

  test("under an authority that is over since it was added is refused", async () => {
    const start = clock.ms;
    const soon = { subject: "Soon over", pair: p256Pair() };
    const { presents } = await network({
      trusted: (trust) => trust.add(authority(soon, { issuer: root, notAfter: now + DAY }), now),
    });
    expect(await presents(leaf(soon))).toEqual(ACCEPTED);
    try {
      clock.ms += 2 * DAY * 1000;
      expect(await presents(leaf(soon))).toEqual(["X509CERT_EXPIRED", null]);
    } finally {
      clock.ms = start;
    }
  });

  test("of an authority is no entity's", async () => {
    const { presents } = await network();
    expect(await presents(leaf(root, { isAuthority: true }))).toEqual(["X509CERT_VERIFICATION_FAILED", null]);
    expect(await presents(authority(middle, { issuer: root, keyUsage: 0x84 }), middle.pair)).toEqual([
      "X509CERT_VERIFICATION_FAILED",
      null,
    ]);
    expect(await presents(leaf(root))).toEqual(ACCEPTED);
  });

  test("whose key usage leaves signing out is refused", async () => {
    const { presents } = await network();
    expect(await presents(leaf(root, { keyUsage: 0x20 }))).toEqual(["X509CERT_VERIFICATION_FAILED", null]);
    expect(await presents(leaf(root, { keyUsage: SIGNING | 0x20 }))).toEqual(ACCEPTED);
    const { keyUsage: _, ...without } = { ...device, issuer: root, keyUsage: 0 };
    expect(await presents(certificate(without))).toEqual(ACCEPTED);
  });

  test("that the hook calls revoked is refused", async () => {
    const revoked = new Set<number>();
    const isCertificateRevoked: X509Config["isCertificateRevoked"] = async ({ serialNumber }) =>
      revoked.has(serialNumber[0] ?? 0);
    const { presents } = await network({ config: { isCertificateRevoked } });
    expect(await presents(leaf(root, { serial: 7 }))).toEqual(ACCEPTED);
    revoked.add(7);
    expect(await presents(leaf(root, { serial: 7 }))).toEqual(["ENTITY_REVOKED", null]);
    expect(await presents(leaf(root, { serial: 8 }))).toEqual(ACCEPTED);
  });

  test("for the same name from another trusted authority does not speak for it", async () => {
    const trusted = (trust: TrustStore) => trust.add(authority(other), now);
    const impostor = p256Pair();
    const { presents } = await network({ trusted });
    expect(await presents(leaf(root))).toEqual(ACCEPTED);
    expect(await presents(leaf(other, { pair: impostor }), impostor)).toEqual(["INCORRECT_ENTITYAUTH_DATA", null]);
    expect(await presents(leaf(root, { serial: 2 }))).toEqual(ACCEPTED);
    // By rule, whoever comes first.
    const ruled = await network({ trusted, config: { mayIssue: (issuer) => issuer === "CN=Root" } });
    expect(await ruled.presents(leaf(other, { pair: impostor }), impostor)).toEqual([
      "INCORRECT_ENTITYAUTH_DATA",
      null,
    ]);
    expect(await ruled.presents(leaf(root))).toEqual(ACCEPTED);
    // Without the binding it would: the other authority is trusted for names of its own.
    const open = await network({ trusted, config: { mayIssue: () => true } });
    expect(await open.presents(leaf(other, { pair: impostor }), impostor)).toEqual(ACCEPTED);
  });

  test("that was only seen takes no name away from whoever has it", async () => {
    const trusted = (trust: TrustStore) => trust.add(authority(other), now);
    const { presents } = await network({ trusted });
    // Another authority's certificate of this name, sent by somebody without its key.
    const theirs = p256Pair();
    for (let i = 0; i < 3; i++) {
      expect(await presents(leaf(other, { pair: theirs }), p256Pair())).toEqual([
        "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED",
        null,
      ]);
    }
    expect(await presents(leaf(root))).toEqual(ACCEPTED);
    expect(await presents(leaf(other, { pair: theirs }), theirs)).toEqual(["INCORRECT_ENTITYAUTH_DATA", null]);
  });

  test("behind a gap in the chain, with a changed signature or signed by itself is refused", async () => {
    const unknown = { subject: "Unknown", pair: p256Pair() };
    const { presents } = await network();
    const refused = ["X509CERT_VERIFICATION_FAILED", null];
    expect(await presents(leaf(unknown))).toEqual(refused);
    expect(await presents(leaf({ subject: "Root", pair: unknown.pair }))).toEqual(refused);
    expect(await presents(certificate({ ...device, keyUsage: SIGNING }))).toEqual(refused);
    const good = leaf(root);
    // Behind the head of the signed part, in the subject, in the signature.
    for (const at of [good.length - 1, good.length - 40, Buffer.from(good).indexOf("device-x") + 7]) {
      const bad = good.slice();
      bad[at]! ^= 1;
      expect((await presents(bad))[0]).toBe("X509CERT_VERIFICATION_FAILED");
    }
    expect(await presents(good)).toEqual(ACCEPTED);
    const trust = new TrustStore((await network()).world.core);
    expect(() => trust.add(authority(middle, { issuer: root }), now)).toThrow(
      expect.objectContaining({ code: "X509CERT_VERIFICATION_FAILED" }),
    );
    trust.add(authority(root), now);
    expect(() => trust.add(leaf(root), now)).toThrow(expect.objectContaining({ code: "X509CERT_VERIFICATION_FAILED" }));
  });

  test("under an authority that the one above allows no authorities is refused", async () => {
    const short = { subject: "Short", pair: p256Pair() };
    const deep = { subject: "Deep", pair: p256Pair() };
    const { world } = await network();
    const trust = new TrustStore(world.core);
    trust.add(authority(short, { pathLength: 0 }), now);
    expect(() => trust.add(authority(deep, { issuer: short }), now)).toThrow(
      expect.objectContaining({ code: "X509CERT_VERIFICATION_FAILED" }),
    );
    const long = new TrustStore(world.core);
    long.add(authority(short, { pathLength: 1 }), now);
    expect(() => long.add(authority(deep, { issuer: short }), now)).not.toThrow();
  });
});

test("a certificate with the receiver's own name has to be trusted like any other", async () => {
  const own = { subject: "server-x", pair: p256Pair() };
  const { world } = await network();
  const { core } = world;
  const privateKey = importPrivateKey(core, pkcs8Of(own.pair)).key;
  const der = certificate({ ...own, issuer: root, keyUsage: SIGNING });
  const { presents } = await network({ config: { local: { certificate: der, privateKey } } });
  const fake = p256Pair();
  const claim = { ...own, pair: fake, keyUsage: SIGNING };
  expect(await presents(certificate(claim), fake)).toEqual(["X509CERT_VERIFICATION_FAILED", null]);
  // The own certificate is taken, but nobody else has its key.
  expect(await presents(der, fake)).toEqual(["MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED", null]);
  expect(await presents(leaf(root))).toEqual(ACCEPTED);
});
