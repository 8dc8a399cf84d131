// Which certificates a receiver trusts: authorities that were added, and entities whose chain leads through them to a
// root. Every link is verified; the presented data cannot carry intermediates, so the chain comes from the store.

import type { Core } from "../../core/core.ts";
import { ecdsaContext, rsaContext } from "../../crypto/asymmetric.ts";
import type { CryptoContext } from "../../crypto/crypto-context.ts";
import type { PublicKey } from "../../crypto/key-der.ts";
import type { MslErrorCode } from "../../errors/codes.ts";
import { MslProtocolError, protocolError } from "../../errors/msl-error.ts";
import { type Certificate, readCertificate } from "./certificate.ts";

/** An authority with the one that issued it; null: a root. */
interface Authority {
  readonly certificate: Certificate;
  readonly issuer: Authority | null;
}

const MAX_DEPTH = 8;
const FIELD = "entityauthdata.authdata.x509certificate";

export class TrustStore {
  readonly #core: Core;
  readonly #authorities = new Map<string, Authority[]>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Adds an authority: a root first, then what it issued.
   * @throws X509CERT_PARSE_ERROR, X509CERT_EXPIRED, X509CERT_NOT_YET_VALID, X509CERT_VERIFICATION_FAILED for one that is
   * no authority or that nobody in the store issued
   */
  add(der: Uint8Array, nowSec: number): void {
    const certificate = readCertificate(der);
    checkValidity(certificate, nowSec);
    if (!isUsableAuthority(certificate)) protocolError("X509CERT_VERIFICATION_FAILED", "x509certificate");
    const isRoot = certificate.issuer === certificate.subject && this.#isSignedBy(certificate, certificate);
    const issuer = isRoot ? null : this.#issuerOf(certificate);
    if (!isRoot && issuer === null) protocolError("X509CERT_VERIFICATION_FAILED", "x509certificate");
    const known = this.#authorities.get(certificate.subject) ?? [];
    known.push({ certificate, issuer });
    this.#authorities.set(certificate.subject, known);
  }

  /**
   * Accepts an entity's certificate.
   * @throws X509CERT_EXPIRED, X509CERT_NOT_YET_VALID, X509CERT_VERIFICATION_FAILED
   */
  accept(certificate: Certificate, nowSec: number): void {
    checkValidity(certificate, nowSec);
    const { isAuthority, keyUsage, hasUnknownCritical, publicKey } = certificate;
    const isUsable = publicKey !== null && !isAuthority && !hasUnknownCritical && keyUsage?.digitalSignature !== false;
    let issuer = isUsable ? this.#issuerOf(certificate) : null;
    if (issuer === null) protocolError("X509CERT_VERIFICATION_FAILED", FIELD);
    for (; issuer !== null; issuer = issuer.issuer) checkValidity(issuer.certificate, nowSec);
  }

  /** The authority that signed a certificate and may have issued it, by the path lengths above. */
  #issuerOf(certificate: Certificate): Authority | null {
    for (const authority of this.#authorities.get(certificate.issuer) ?? []) {
      if (allowsPath(authority, certificate) && this.#isSignedBy(certificate, authority.certificate)) return authority;
    }
    return null;
  }

  #isSignedBy(certificate: Certificate, authority: Certificate): boolean {
    const { publicKey } = authority;
    if (publicKey === null || publicKey.kind !== certificate.signatureAlgorithm) return false;
    try {
      return publicKeyContext(this.#core, publicKey).verify(certificate.signedPart, certificate.signature) === true;
    } catch (error) {
      if (error instanceof MslProtocolError) return false;
      throw error;
    }
  }
}

/** Verifies signatures of the key's owner. */
export function publicKeyContext(core: Core, key: PublicKey): CryptoContext {
  return key.kind === "RSA" ? rsaContext(core, key.rsa, null) : ecdsaContext(core, key.point, null);
}

function isUsableAuthority(certificate: Certificate): boolean {
  const { isAuthority, keyUsage, hasUnknownCritical, publicKey } = certificate;
  return publicKey !== null && isAuthority && !hasUnknownCritical && keyUsage?.keyCertSign !== false;
}

/** Path lengths count the authorities between, not the entity at the end. */
function allowsPath(authority: Authority, below: Certificate): boolean {
  let authorities = below.isAuthority ? 1 : 0;
  let depth = 0;
  for (let at: Authority | null = authority; at !== null; at = at.issuer) {
    const { pathLength } = at.certificate;
    if (pathLength !== null && authorities > pathLength) return false;
    authorities++;
    if (++depth > MAX_DEPTH) return false;
  }
  return true;
}

function checkValidity({ notBefore, notAfter }: Certificate, nowSec: number): void {
  const code: MslErrorCode | null =
    nowSec < notBefore ? "X509CERT_NOT_YET_VALID" : nowSec > notAfter ? "X509CERT_EXPIRED" : null;
  if (code !== null) protocolError(code, FIELD);
}
