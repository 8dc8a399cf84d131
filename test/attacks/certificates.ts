// X.509 certificates made to order (RFC 5280), right ones and wrong ones. Keys are P-256 or RSA, signed by node:crypto.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const p256Pair = (): Pair => generateKeyPairSync("ec", { namedCurve: "P-256" });
export const rsaPair = (): Pair => generateKeyPairSync("rsa", { modulusLength: 2048 });
export const pkcs8Of = (pair: Pair): Uint8Array =>
  new Uint8Array(pair.privateKey.export({ type: "pkcs8", format: "der" }));

export interface CertificateOptions {
  readonly subject: string;
  readonly pair: Pair;
  /** Default: the certificate signs itself. */
  readonly issuer?: { readonly subject: string; readonly pair: Pair };
  /** Seconds since 1970. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Bits of the first byte of key usage; absent: no such extension. 0x80 digitalSignature, 0x04 keyCertSign. */
  readonly keyUsage?: number;
  readonly serial?: number;
}

/** A certificate, DER. */
export function certificate(options: CertificateOptions): Uint8Array {
  const { subject, pair, isAuthority = false, pathLength, keyUsage } = options;
  const issuer = options.issuer ?? { subject, pair };
  const algorithm = issuer.pair.privateKey.asymmetricKeyType === "rsa" ? SHA256_RSA : SHA256_ECDSA;
  const extensions: Uint8Array[] = [];
  if (isAuthority) {
    const length = pathLength === undefined ? [] : [der(0x02, Uint8Array.of(pathLength))];
    extensions.push(extension([0x55, 0x1d, 0x13], der(0x30, der(0x01, Uint8Array.of(0xff)), ...length)));
  }
  if (keyUsage !== undefined) extensions.push(extension([0x55, 0x1d, 0x0f], der(0x03, Uint8Array.of(0, keyUsage))));
  const validity = der(0x30, time(options.notBefore ?? 1_600_000_000), time(options.notAfter ?? 1_900_000_000));
  const spki = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(options.serial ?? 1)),
    algorithm,
    name(issuer.subject),
    validity,
    name(subject),
    spki,
    ...(extensions.length > 0 ? [der(0xa3, der(0x30, ...extensions))] : []),
  );
  const signature = new Uint8Array(sign("sha256", signed, issuer.pair.privateKey));
  return der(0x30, signed, algorithm, der(0x03, Uint8Array.of(0), signature));
}

const SHA256_RSA = Uint8Array.of(0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0);
const SHA256_ECDSA = Uint8Array.of(0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2);

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const n = content.length;
  const head = n < 128 ? [tag, n] : n < 256 ? [tag, 0x81, n] : [tag, 0x82, n >> 8, n & 255];
  return new Uint8Array(Buffer.concat([Uint8Array.from(head), content]));
}

/** One common name. */
function name(text: string): Uint8Array {
  const value = der(0x0c, new Uint8Array(Buffer.from(text)));
  return der(0x30, der(0x31, der(0x30, der(0x06, Uint8Array.of(0x55, 4, 3)), value)));
}

function extension(oid: readonly number[], value: Uint8Array): Uint8Array {
  return der(0x30, der(0x06, Uint8Array.from(oid)), der(0x01, Uint8Array.of(0xff)), der(0x04, value));
}

/** GeneralizedTime. */
function time(seconds: number): Uint8Array {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(0x18, new Uint8Array(Buffer.from(`${digits}Z`)));
}
