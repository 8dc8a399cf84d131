// What the attempts of one client share: store, server clock, renewal slot, environment for reading headers.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import type { Compression } from "../encoding/compression.ts";
import type { Core } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData, EntityScheme } from "../entity-auth/scheme.ts";
import { MslUsageError } from "../errors/msl-error.ts";
import { type Capabilities, preferredFormat } from "../message/capabilities.ts";
import type { HeaderEnvironment, HeaderOrigin } from "../message/header-reader.ts";
import type { InputLimits } from "../message/message-input.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { RemoteClock } from "../platform/clock.ts";
import type { DeviceStore } from "../store/device-store.ts";
import type { ClientConfig } from "./api.ts";
import { RenewalSlot } from "./renewal.ts";
import { completeExchange, type OwnExchange, type PendingRequests } from "./requester.ts";
import { compressionOf, inputLimits, ownCapabilities, schemeTable } from "./settings.ts";

export class ClientEngine {
  readonly config: ClientConfig;
  readonly core: Core;
  readonly store: DeviceStore;
  readonly limits: InputLimits;
  readonly compression: Compression;
  readonly capabilities: Capabilities;
  readonly serverSchemes: ReadonlyMap<string, EntityScheme>;
  readonly renewals = new RenewalSlot();
  readonly #serverClock: RemoteClock;

  constructor(config: ClientConfig, core: Core, store: DeviceStore) {
    this.config = config;
    this.core = core;
    this.store = store;
    this.#serverClock = new RemoteClock(config.clock);
    this.limits = inputLimits(config);
    this.compression = compressionOf(config.gzip, this.limits);
    this.capabilities = ownCapabilities(config.capabilities, config.gzip, config.keyExchange);
    this.serverSchemes = schemeTable(config.serverSchemes);
    schemeTable(config.keyExchange);
  }

  get scheme(): EntityScheme {
    return this.config.entity.scheme;
  }

  /** The server's time in seconds, or null. */
  get remoteNow(): number | null {
    return this.#serverClock.now;
  }

  learnTime(timestamp: number | null): void {
    this.#serverClock.learn(timestamp);
  }

  /** Format for the next message: the best that the server said it reads, or the configured first one. */
  get format(): Format {
    const { formats } = this.store.peer;
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

  /**
   * How to read the reply of a message that carried `pending`; completed keys go to `onExchange`. `check` throws for a
   * message that is no reply of that one, before its key response changes anything.
   */
  readEnvironment(
    pending: PendingRequests,
    hooks: ServiceTokenHooks | null,
    check: (header: HeaderOrigin, messageId: number) => void,
    onExchange: (exchange: OwnExchange) => void,
  ): HeaderEnvironment {
    return {
      core: this.core,
      compression: this.compression,
      entitySchemes: this.serverSchemes,
      userSchemes: new Map(),
      keyExchange: this.config.keyExchange,
      strictKeyRequests: false,
      tokenCrypto: null,
      sessionCache: null,
      knownToken: pending.origin.masterToken,
      sessionFor: (token) => this.store.contextOf(token),
      completeExchange: async (response, header, messageId) => {
        check(header, messageId);
        const exchange = await completeExchange(this.core, this.config.keyExchange, response, header, pending);
        onExchange(exchange);
        return exchange;
      },
      serviceTokenContext: (name) => hooks?.crypto?.(name) ?? null,
    };
  }
}
