// SYMMETRIC_WRAPPED ("MSL Key Exchange") with the key id PSK: the issuer makes session keys and wraps them under the
// wrapping key of the entity's pre-shared keys. No forward secrecy.
//   request = { "keyid": "PSK" }   response = { "keyid", "encryptionkey": binary, "hmackey": binary }
// SESSION is refused as the reference refuses it: session contexts have no wrapping key.

import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { bothKeys, type KeyExchange } from "./scheme.ts";

export interface SymmetricWrappedConfig {
  readonly core: Core;
  /** The pre-shared context, with its wrapping key, of an entity's identity; null: unknown. */
  readonly pskContextOf: (identity: string) => Awaitable<CryptoContext | null>;
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
}

const NAME = "SYMMETRIC_WRAPPED";

export function symmetricWrapped(config: SymmetricWrappedConfig): KeyExchange {
  const { core } = config;

  async function wrappingContext(identity: string): Promise<CryptoContext> {
    return (await config.pskContextOf(identity)) ?? protocolError("ENTITY_NOT_FOUND", "keydata");
  }

  return {
    name: NAME,
    label: `${NAME}:PSK`,
    unknownVariantError: "UNIDENTIFIED_KEYX_KEY_ID",
    createRequests: () => [{ scheme: NAME, keydata: { keyid: "PSK" }, dispose() {} }],

    async complete(_request, keydata, binding) {
      if (keydata.string("keyid") !== "PSK") protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", `${keydata.path}.keyid`);
      const encryptionKey = keydata.bytes("encryptionkey");
      const macKey = keydata.bytes("hmackey");
      // Shorter values cannot be keys: 16 and 32 bytes, and 8 of integrity.
      if (encryptionKey.length < 24 || macKey.length < 24) protocolError("UNWRAP_ERROR", keydata.path);
      const context = await wrappingContext(binding.identity);
      const keys = await (context.unwrapSession?.(encryptionKey, macKey) ??
        bothKeys(
          () => context.unwrapKey(encryptionKey, SESSION_ENCRYPTION),
          () => context.unwrapKey(macKey, SESSION_MAC),
        ));
      if (encryptionKey.length === 24 && macKey.length === 40) return keys;
      keys.encryption.dispose();
      keys.mac.dispose();
      return protocolError(
        encryptionKey.length === 24 ? "KEYX_INVALID_HMAC_KEY" : "KEYX_INVALID_ENCRYPTION_KEY",
        keydata.path,
      );
    },

    parseRequest(keydata) {
      const keyId = keydata.string("keyid");
      return keyId === "PSK" || keyId === "SESSION" ? keyId : null;
    },

    async respond(parsed, binding) {
      if ((await config.isPermitted?.(binding.identity)) === false)
        protocolError("KEYX_INCORRECT_DATA", "keyrequestdata");
      if (parsed === "SESSION") {
        protocolError(binding.request.kind === "token" ? "WRAP_NOT_SUPPORTED" : "KEYX_MASTER_TOKEN_MISSING", "keydata");
      }
      const context = await wrappingContext(binding.identity);
      const encryption = core.generateKey(SESSION_ENCRYPTION, 16);
      const mac = core.generateKey(SESSION_MAC, 32);
      try {
        const encryptionkey = await context.wrapKey(encryption);
        const hmackey = await context.wrapKey(mac);
        return { keydata: { keyid: "PSK", encryptionkey, hmackey }, keys: { encryption, mac } };
      } catch (error) {
        encryption.dispose();
        mac.dispose();
        throw error instanceof MslProtocolError ? error : new MslProtocolError("WRAP_ERROR", "keydata", error);
      }
    },
  };
}
