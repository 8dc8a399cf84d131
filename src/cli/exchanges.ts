// Key exchanges by their names on the command line, from the key file: what a server accepts, what a request offers.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import {
  asymmetricWrapped,
  type AsymmetricWrappedConfig,
  type WrappingMechanism,
} from "../key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../key-exchange/diffie-hellman.ts";
import { ecdh, type EcdhCurve } from "../key-exchange/ecdh.ts";
import { p256Curve } from "../key-exchange/ecdh-p256.ts";
import { jweLadder, jwkLadder, type LadderConfig, type LadderMechanism } from "../key-exchange/ladder.ts";
import { byPreference, type KeyExchange } from "../key-exchange/scheme.ts";
import { symmetricWrapped } from "../key-exchange/symmetric-wrapped.ts";
import { wrapKeyStore, type WrapKeyStorage } from "../key-exchange/wrap-keys.ts";
import type { Clock } from "../platform/clock.ts";
import type { Timers } from "../platform/timers.ts";
import { type TokenCrypto, tokenKeys } from "../tokens/token-crypto.ts";
import type { KeysFile } from "./keys-file.ts";
import { split } from "./names.ts";
import { fail } from "./options.ts";

export interface ExchangeSurroundings {
  readonly core: Core;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly psk: (identity: string) => CryptoContext | null;
  /** Behaves as the reference where the two differ. */
  readonly isCompat: boolean;
}

const MECHANISMS: readonly WrappingMechanism[] = ["JWK_RSA", "JWE_RSA", "JWEJS_RSA", "RSA", "JWK_RSAES"];
const CURVES: readonly EcdhCurve[] = ["X25519", "P-256"];
const LADDER: readonly LadderMechanism[] = ["PSK", "WRAP"];

/** Everything that the key file has something for, in the order that is best to prefer. */
export function acceptedExchanges(
  keys: KeysFile,
  around: ExchangeSurroundings,
  tokenCrypto: TokenCrypto,
): readonly KeyExchange[] {
  const { core, clock, timers, psk, isCompat } = around;
  const ladder: LadderConfig = { core, pskContextOf: psk, issuer: { tokenCrypto, clock }, bareWrapdata: isCompat };
  return byPreference([
    ecdh({ core, curves: CURVES, p256: p256Curve }),
    diffieHellman({ core, groups: keys.dh }),
    asymmetricWrapped({ core, timers, mechanisms: MECHANISMS }),
    jweLadder(ladder),
    jwkLadder(ladder),
    symmetricWrapped({ core, pskContextOf: psk }),
  ]);
}

/**
 * What a request offers. `storageOf` keeps the wrapping keys of a ladder. @throws UsageError
 */
export async function offeredExchanges(
  names: readonly string[],
  keys: KeysFile,
  around: ExchangeSurroundings,
  storageOf: (ladder: string) => WrapKeyStorage | null,
): Promise<readonly KeyExchange[]> {
  const variants = new Map<string, string[]>();
  for (const name of names) {
    const { scheme, rest } = split(name);
    variants.set(scheme, [...(variants.get(scheme) ?? []), rest]);
  }
  const made: KeyExchange[] = [];
  for (const [scheme, rest] of variants) made.push(await offered(scheme, rest, keys, around, storageOf));
  return made;
}

async function offered(
  scheme: string,
  variants: readonly string[],
  keys: KeysFile,
  around: ExchangeSurroundings,
  storageOf: (ladder: string) => WrapKeyStorage | null,
): Promise<KeyExchange> {
  const { core, clock, timers, psk, isCompat } = around;
  const chosen = <T extends string>(known: readonly T[]): readonly T[] =>
    variants.map((name) => known.find((item) => item === name) ?? fail(`unknown key exchange ${scheme}:${name}`));
  switch (scheme) {
    case "ECDH":
      return ecdh({ core, curves: chosen(CURVES), p256: p256Curve });
    case "DIFFIE_HELLMAN":
      return diffieHellman({ core, groups: keys.dh, offer: chosen(Object.keys(keys.dh)) });
    case "ASYMMETRIC_WRAPPED": {
      const config: AsymmetricWrappedConfig = { core, timers, mechanisms: chosen(MECHANISMS) };
      return asymmetricWrapped(config);
    }
    case "JWE_LADDER":
    case "JWK_LADDER": {
      const store = await wrapKeyStore(core, storageOf(scheme));
      // A peer answers requests too, with the token keys of its own.
      const issuer = { tokenCrypto: tokenKeys([keys.issuerContext(core)]), clock };
      const config = { core, pskContextOf: psk, mechanisms: chosen(LADDER), store, issuer, bareWrapdata: isCompat };
      return scheme === "JWE_LADDER" ? jweLadder(config) : jwkLadder(config);
    }
    case "SYMMETRIC_WRAPPED":
      chosen(["PSK"]);
      return symmetricWrapped({ core, pskContextOf: psk });
    default:
      return fail(`unknown key exchange ${scheme}`);
  }
}
