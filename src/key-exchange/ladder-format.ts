// How the two ladders wrap a key text: JWE_LADDER in JSON Web Encryption, JWK_LADDER with RFC 3394 over the text, which
// spaces behind its opening brace fill up to whole blocks.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openJwe, sealJwe } from "../crypto/jwe.ts";
import type { JwkStyle } from "../crypto/jwk.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";

export interface LadderFormat {
  readonly style: JwkStyle;
  /** `kid` of a new wrapping key. */
  keyId(core: Core): string;
  /** Wraps a text under the wrapping key of a context. */
  wrap(context: CryptoContext, text: Uint8Array): Awaitable<Uint8Array>;
  /** The caller wipes the text. */
  unwrap(context: CryptoContext, value: Uint8Array): Awaitable<Uint8Array>;
}

export function jweFormat(core: Core): LadderFormat {
  return {
    style: "use",
    keyId: randomDecimal,
    wrap: (context, text) => sealJwe(core, { algorithm: "A128KW", context }, "A128GCM", "JSON", text),
    unwrap: (context, value) => openJwe(core, { algorithm: "A128KW", context }, "A128GCM", value),
  };
}

export function jwkFormat(): LadderFormat {
  return {
    style: "key_ops",
    keyId: () => "wrapKeyId",
    wrap(context, text) {
      const filled = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
      filled[0] = 0x7b;
      filled.set(text.subarray(1), filled.length - text.length + 1);
      const wrapped = context.wrapBytes?.(filled) ?? protocolError("WRAP_NOT_SUPPORTED", "keydata");
      if (wrapped instanceof Promise) return wrapped.finally(() => filled.fill(0));
      filled.fill(0);
      return wrapped;
    },
    unwrap(context, value) {
      // RFC 3394 §2.2.1: two blocks at least, and one of integrity.
      if (value.length < 24) protocolError("UNWRAP_ERROR", "keydata");
      return context.unwrapBytes?.(value) ?? protocolError("UNWRAP_NOT_SUPPORTED", "keydata");
    },
  };
}

/** A random number of 53 bits in decimal. */
function randomDecimal(core: Core): string {
  const [high = 0, ...low] = core.random(7);
  return String((high % 32) * 2 ** 48 + low.reduce((value, byte) => value * 256 + byte, 0));
}
