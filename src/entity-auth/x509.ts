// X509 ("MSL Entity Authentication"): authdata = { "x509certificate": string }, the Base64 of the DER certificate. The
// identity is the subject's name in RFC 2253 form. The header is signed under the certificate's key.
// Differs from reference: the whole chain is judged, P-256 keys are taken, and a name belongs to one issuer.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { sameBytes } from "../core/same-bytes.ts";
import { ecdsaContext, rsaContext } from "../crypto/asymmetric.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { protocolError } from "../errors/msl-error.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";
import { type Certificate, readCertificate } from "./x509/certificate.ts";
import { publicKeyContext, type TrustStore } from "./x509/trust.ts";

export { type Certificate, readCertificate } from "./x509/certificate.ts";
export { TrustStore } from "./x509/trust.ts";

export interface X509Config {
  readonly core: Core;
  readonly clock: Clock;
  readonly trust: TrustStore;
  /** Judges the subject's name. */
  readonly policy?: EntityPolicy;
  /** Revocation of a certificate, e.g. by a list of its issuer. */
  readonly isCertificateRevoked?: (certificate: Certificate) => Awaitable<boolean>;
  /**
   * Whether this issuer may speak of this subject. Two authorities can issue the same name: without the hook, the issuer
   * whose certificate first verified a header keeps the name while the process runs.
   */
  readonly mayIssue?: (issuer: string, subject: string) => Awaitable<boolean>;
  /** Of the local entity: its certificate, DER, and the private key, in a slot, or a context whose key lives elsewhere. */
  readonly local?: { readonly certificate: Uint8Array; readonly privateKey: KeyHandle | CryptoContext } | null;
}

interface X509Data extends EntityAuthData {
  readonly certificate: Certificate;
}

const NAME = "X509";
const FIELD = "entityauthdata.authdata.x509certificate";
/** Names whose issuer is remembered. */
const MAX_NAMES = 100_000;

export function x509(config: X509Config): EntityScheme {
  const { core, clock, trust } = config;
  const local = config.local ?? null;
  const issuers = config.mayIssue === undefined ? new FirstIssuers() : null;

  return {
    name: NAME,
    encrypts: false,
    protectsIntegrity: true,

    parse(authdata) {
      const der = decodeBase64(authdata.string("x509certificate"));
      if (der === null || der.length === 0) return protocolError("X509CERT_INVALID", FIELD);
      return x509Data(der);
    },

    async cryptoContext(data) {
      const { certificate, identity } = data as X509Data;
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, identity, NAME);
      const { publicKey } = certificate;
      // Our own certificate is for others to judge; one of the same name is not ours.
      if (local !== null && sameBytes(local.certificate, certificate.der)) {
        const { privateKey } = local;
        if ("sign" in privateKey) return privateKey;
        return publicKey?.kind === "P-256"
          ? ecdsaContext(core, publicKey.point, privateKey)
          : rsaContext(core, publicKey?.rsa ?? null, privateKey);
      }
      if ((await config.isCertificateRevoked?.(certificate)) === true) protocolError("ENTITY_REVOKED", FIELD);
      trust.accept(certificate, nowSeconds(clock));
      const { issuer, subject } = certificate;
      const mayIssue =
        (await config.mayIssue?.(issuer, subject)) !== false && issuers?.allows(issuer, subject) !== false;
      if (!mayIssue) protocolError("INCORRECT_ENTITYAUTH_DATA", FIELD);
      if (publicKey === null) return protocolError("X509CERT_VERIFICATION_FAILED", FIELD);
      const context = publicKeyContext(core, publicKey);
      return issuers === null ? context : claiming(context, () => issuers.claim(issuer, subject));
    },
  };
}

/** @throws X509CERT_PARSE_ERROR */
export function x509Data(der: Uint8Array): EntityAuthData {
  const certificate = readCertificate(der);
  const authdata = { x509certificate: encodeBase64(certificate.der) };
  const { subject: identity, der: certificateDer } = certificate;
  const data: X509Data = { scheme: NAME, identity, authdata, certificate, certificateDer };
  return data;
}

/** Names with the issuer that has them. */
class FirstIssuers {
  readonly #issuers = new Map<string, string>();

  allows(issuer: string, subject: string): boolean {
    return (this.#issuers.get(subject) ?? issuer) === issuer;
  }

  /** Keeps the name for this issuer; false: another one has it. */
  claim(issuer: string, subject: string): boolean {
    if (this.#issuers.has(subject)) return this.allows(issuer, subject);
    this.#issuers.set(subject, issuer);
    if (this.#issuers.size > MAX_NAMES) {
      const oldest = this.#issuers.keys().next();
      if (!oldest.done) this.#issuers.delete(oldest.value);
    }
    return true;
  }
}

/** A certificate alone claims no name, anyone may have seen it: its key has to verify something. */
function claiming(context: CryptoContext, claim: () => boolean): CryptoContext {
  return {
    ...context,
    verify: (data, signature) => chain(context.verify(data, signature), (isRight) => isRight && claim()),
  };
}
