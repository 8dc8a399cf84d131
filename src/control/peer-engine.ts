// What all sessions of one peer share: configuration, counterparts, verified sessions of tokens issued here, and how the
// headers of others are read.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import type { Compression } from "../encoding/compression.ts";
import type { Core } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import { type Capabilities, preferredFormat } from "../message/capabilities.ts";
import type { HeaderEnvironment } from "../message/header-reader.ts";
import type { InputLimits } from "../message/message-input.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { SessionCache, type VerifiedMasterToken } from "../tokens/master-token.ts";
import { type Counterpart, Counterparts } from "./counterparts.ts";
import type { ErrorSender } from "./error-reply.ts";
import type { PeerConfig } from "./peer-api.ts";
import { completeExchange, type OwnExchange, type PendingRequests } from "./requester.ts";
import { compressionOf, inputLimits, ownCapabilities, schemeTable } from "./settings.ts";

const CACHED_SESSIONS = 512;
const COUNTERPARTS = 1024;

/** Finds the key requests that a message answers, by the sender and the id of the message. */
export type PendingLookup = (sender: string | null, messageId: number) => PendingRequests | null;

export class PeerEngine {
  readonly config: PeerConfig;
  readonly core: Core;
  readonly limits: InputLimits;
  readonly compression: Compression;
  readonly capabilities: Capabilities;
  readonly cache: SessionCache<VerifiedMasterToken>;
  readonly counterparts: Counterparts;
  readonly errors: ErrorSender;
  readonly #shared: Omit<HeaderEnvironment, "completeExchange" | "serviceTokenContext">;

  constructor(config: PeerConfig, core: Core) {
    this.config = config;
    this.core = core;
    this.limits = inputLimits(config);
    this.compression = compressionOf(config.gzip, this.limits);
    this.capabilities = ownCapabilities(config.capabilities, config.gzip, config.keyExchange);
    this.cache = new SessionCache(config.maxCachedSessions ?? CACHED_SESSIONS);
    this.counterparts = new Counterparts({
      core,
      clock: config.clock,
      storage: config.storage ?? (() => null),
      limit: config.maxCounterparts ?? COUNTERPARTS,
      state: config,
    });
    this.errors = { core, config, capabilities: this.capabilities };
    schemeTable(config.keyExchange);
    this.#shared = {
      core,
      compression: this.compression,
      entitySchemes: schemeTable(config.entitySchemes),
      userSchemes: schemeTable(config.userSchemes ?? []),
      keyExchange: config.keyExchange,
      strictKeyRequests: config.strictKeyRequests === true,
      peerToPeer: true,
      tokenCrypto: config.tokenCrypto,
      sessionCache: this.cache,
      knownToken: null,
      sessionFor: () => null,
    };
  }

  /** Format for the first message of an operation. */
  formatFor(counterpart: Counterpart): Format {
    const { formats } = counterpart.store.peer;
    if (formats.length === 0) return this.config.firstFormat ?? "JSON";
    return preferredFormat(this.capabilities.formats, { compression: [], languages: [], formats, keyxSchemes: [] });
  }

  entityData(reason: "ENTITY_REAUTH" | "ENTITYDATA_REAUTH" | null): Awaitable<EntityAuthData | null> {
    return chain(this.config.entity.data(reason), (data) => {
      if (data !== null && data.scheme !== this.config.entity.scheme.name) {
        throw new MslUsageError("The entity's data is of another scheme.");
      }
      return data;
    });
  }

  /** How to read a message; a key exchange that it completes goes to `onExchange`. */
  readEnvironment(
    pendingFor: PendingLookup,
    hooks: ServiceTokenHooks | null,
    onExchange: (exchange: OwnExchange) => void,
  ): HeaderEnvironment {
    const { core, config } = this;
    const crypto = hooks?.crypto ?? config.serviceTokens?.crypto;
    return {
      ...this.#shared,
      serviceTokenContext: (name) => crypto?.(name) ?? null,
      async completeExchange(response, origin, messageId) {
        const sender = origin.masterToken?.verified?.identity ?? origin.entityAuth?.identity ?? null;
        const pending = pendingFor(sender, messageId);
        // Differs from reference: a token that was issued here is nobody's answer to our request, but a reflection.
        if (pending === null || response.masterToken.verified !== null) {
          return protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", "headerdata.keyresponsedata");
        }
        const exchange = await completeExchange(core, config.keyExchange, response, origin, pending);
        onExchange(exchange);
        return exchange;
      },
    };
  }

  async close(): Promise<void> {
    await this.counterparts.close();
    this.cache.clear();
  }
}
