// X.509 certificates (RFC 5280): the fields that authentication looks at. Reading checks the form; who may be trusted is
// decided in trust.ts.

import { type PublicKey, readPublicKey } from "../../crypto/key-der.ts";
import { DerError, DerReader, derSequence, TAG } from "../../encoding/der.ts";
import { decodeUtf8 } from "../../encoding/utf8.ts";
import { MslProtocolError, protocolError } from "../../errors/msl-error.ts";
import { nameText } from "./name.ts";

export interface Certificate {
  /** As it came. */
  readonly der: Uint8Array;
  /** What the issuer signed. */
  readonly signedPart: Uint8Array;
  readonly signatureAlgorithm: "RSA" | "P-256" | "other";
  readonly signature: Uint8Array;
  readonly serialNumber: Uint8Array;
  /** In RFC 2253 form. */
  readonly issuer: string;
  readonly subject: string;
  /** Seconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Null: an algorithm or curve that no context takes. */
  readonly publicKey: PublicKey | null;
  readonly isAuthority: boolean;
  /** Intermediate certificates that may follow; null: any number. */
  readonly pathLength: number | null;
  /** Null: the extension is absent, and every usage is allowed. */
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | null;
  /** A critical extension that is not understood here. */
  readonly hasUnknownCritical: boolean;
}

const MAX_BYTES = 16384;
const MAX_EXTENSIONS = 64;
const SIGNATURES: ReadonlyMap<string, "RSA" | "P-256"> = new Map([
  ["1.2.840.113549.1.1.11", "RSA"],
  ["1.2.840.10045.4.3.2", "P-256"],
]);
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
/** Say what a certificate is for or where it comes from; none of them grants anything here. */
const HARMLESS: ReadonlySet<string> = new Set(["2.5.29.14", "2.5.29.35", "2.5.29.17", "2.5.29.37"]);

/** @throws X509CERT_PARSE_ERROR */
export function readCertificate(der: Uint8Array): Certificate {
  try {
    if (der.length > MAX_BYTES) throw new DerError("too large");
    return read(der.slice());
  } catch (error) {
    if (error instanceof DerError) return protocolError("X509CERT_PARSE_ERROR", "x509certificate", error);
    throw error;
  }
}

function read(der: Uint8Array): Certificate {
  const outer = derSequence(der);
  const signedPart = outer.next(TAG.sequence);
  const outerAlgorithm = outer.next(TAG.sequence);
  const signature = outer.bits();
  outer.end();
  const tbs = new DerReader(signedPart.content);
  const version = tbs.optional(0xa0);
  if (version !== null && new DerReader(version.content).small() > 2) throw new DerError("another version");
  const serialNumber = tbs.next(TAG.integer).content;
  const innerAlgorithm = tbs.next(TAG.sequence);
  if (!isSame(innerAlgorithm.whole, outerAlgorithm.whole)) throw new DerError("two signature algorithms");
  const issuer = nameText(tbs.next(TAG.sequence).whole);
  const validity = tbs.enter();
  const notBefore = time(validity);
  const notAfter = time(validity);
  validity.end();
  const subject = nameText(tbs.next(TAG.sequence).whole);
  const publicKey = publicKeyOf(tbs.next(TAG.sequence).whole);
  tbs.optional(0x81);
  tbs.optional(0x82);
  const explicit = tbs.optional(0xa3);
  tbs.end();
  const algorithmOid = new DerReader(innerAlgorithm.content).oid();
  return {
    der,
    signedPart: signedPart.whole,
    signatureAlgorithm: SIGNATURES.get(algorithmOid) ?? "other",
    signature,
    serialNumber,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    ...extensions(explicit === null ? null : derSequence(explicit.content)),
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function publicKeyOf(spki: Uint8Array): PublicKey | null {
  try {
    return readPublicKey(spki);
  } catch (error) {
    if (error instanceof MslProtocolError) return null;
    throw error;
  }
}

type Extensions = Pick<Certificate, "isAuthority" | "pathLength" | "keyUsage" | "hasUnknownCritical">;

function extensions(list: DerReader | null): Extensions {
  let isAuthority = false;
  let pathLength: number | null = null;
  let keyUsage: Certificate["keyUsage"] = null;
  let hasUnknownCritical = false;
  const seen = new Set<string>();
  while (list !== null && !list.isAtEnd) {
    const extension = list.enter();
    const oid = extension.oid();
    const critical = extension.optional(TAG.boolean);
    const value = extension.next(TAG.octetString).content;
    extension.end();
    if (seen.has(oid) || seen.size === MAX_EXTENSIONS) throw new DerError("an extension twice, or too many");
    seen.add(oid);
    if (oid === BASIC_CONSTRAINTS) ({ isAuthority, pathLength } = basicConstraints(value));
    else if (oid === KEY_USAGE) keyUsage = keyUsageOf(value);
    else if (critical !== null && critical.content[0] !== 0 && !HARMLESS.has(oid)) hasUnknownCritical = true;
  }
  return { isAuthority, pathLength, keyUsage, hasUnknownCritical };
}

function basicConstraints(value: Uint8Array): { isAuthority: boolean; pathLength: number | null } {
  const fields = derSequence(value);
  const isAuthority = (fields.optional(TAG.boolean)?.content[0] ?? 0) !== 0;
  const pathLength = fields.isAtEnd ? null : fields.small();
  fields.end();
  return { isAuthority, pathLength };
}

/** Bit 0 is digitalSignature, bit 5 keyCertSign. */
function keyUsageOf(value: Uint8Array): Certificate["keyUsage"] {
  const reader = new DerReader(value);
  const { content } = reader.next(TAG.bitString);
  reader.end();
  const first = content[1] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

/** UTCTime or GeneralizedTime, in UTC with seconds (RFC 5280 §4.1.2.5). */
function time(reader: DerReader): number {
  const { tag, content } = reader.next();
  const text = decodeUtf8(content) ?? "";
  const isUtc = tag === TAG.utcTime;
  if (!isUtc && tag !== TAG.generalizedTime) throw new DerError("not a time");
  const match = (isUtc ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
    text,
  );
  if (match === null) throw new DerError("not a time");
  const [short = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const year = isUtc ? short + (short >= 50 ? 1900 : 2000) : short;
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const isReal = new Date(at).getUTCMonth() === month - 1 && hour < 24 && minute < 60 && second < 60;
  if (!isReal) throw new DerError("not a time");
  return Math.floor(at / 1000);
}
