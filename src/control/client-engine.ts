// What the attempts of one client share: store, server clock, renewal slot, environment for reading headers.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import type { Core } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { sessionContext } from "../crypto/session.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData, EntityScheme } from "../entity-auth/scheme.ts";
import { MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { KeyRequest } from "../key-exchange/scheme.ts";
import { type Capabilities, preferredFormat } from "../message/capabilities.ts";
import { type CompletedExchange, headerBinding } from "../message/header.ts";
import type { HeaderEnvironment, HeaderOrigin, ReceivedKeyResponse } from "../message/header-reader.ts";
import type { InputLimits } from "../message/message-input.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { nowSeconds } from "../platform/clock.ts";
import type { Gzip } from "../platform/gzip.ts";
import type { DeviceStore } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { ClientConfig } from "./api.ts";
import { RenewalSlot } from "./renewal.ts";
import { boundedGzip, inputLimits, ownCapabilities, schemeTable } from "./settings.ts";

/** Key requests of one message, with what binds their answers. */
export interface PendingRequests {
  readonly requests: readonly KeyRequest[];
  readonly origin: HeaderOrigin;
  readonly identity: string;
}

/** A completed exchange with its keys, which the store takes over. */
export interface ClientExchange extends CompletedExchange {
  readonly keys: SessionKeys;
}

export class ClientEngine {
  readonly config: ClientConfig;
  readonly core: Core;
  readonly store: DeviceStore;
  readonly limits: InputLimits;
  readonly gzip: Gzip | null;
  readonly capabilities: Capabilities;
  readonly serverSchemes: ReadonlyMap<string, EntityScheme>;
  readonly renewals = new RenewalSlot();
  /** Server seconds minus local seconds, or null while no timestamp was received. */
  #offset: number | null = null;

  constructor(config: ClientConfig, core: Core, store: DeviceStore) {
    this.config = config;
    this.core = core;
    this.store = store;
    this.limits = inputLimits(config);
    this.gzip = boundedGzip(config.gzip, this.limits);
    this.capabilities = ownCapabilities(config.capabilities, this.gzip, config.keyExchange);
    this.serverSchemes = schemeTable(config.serverSchemes);
    schemeTable(config.keyExchange);
  }

  /** The server's time in seconds, or null. */
  get remoteNow(): number | null {
    return this.#offset === null ? null : nowSeconds(this.config.clock) + this.#offset;
  }

  learnTime(timestamp: number | null): void {
    if (timestamp !== null) this.#offset = timestamp - nowSeconds(this.config.clock);
  }

  /** Format for the next message: the best that the server said it reads, or the configured first one. */
  get format(): Format {
    const { formats, keyxSchemes } = this.store.peer;
    if (formats.length === 0) return this.config.firstFormat ?? "JSON";
    const peer: Capabilities = { compression: [], languages: [], formats, keyxSchemes };
    return preferredFormat(this.capabilities.formats, peer);
  }

  entityData(reason: "ENTITY_REAUTH" | "ENTITYDATA_REAUTH" | null): Awaitable<EntityAuthData | null> {
    return chain(this.config.entity.data(reason), (data) => {
      if (data !== null && data.scheme !== this.config.entity.scheme.name) {
        throw new MslUsageError("The entity's data is of another scheme.");
      }
      return data;
    });
  }

  /** User ID token of a local user that fits a master token. */
  userIdToken(userId: string | null, masterToken: MasterToken | null): UserIdToken | null {
    const token = userId === null || masterToken === null ? null : this.store.userIdToken(userId);
    return token !== null && token.mtSerialNumber === masterToken?.serialNumber ? token : null;
  }

  /** How to read the reply of a message that carried `pending`; completed keys go to `onExchange`. */
  readEnvironment(
    pending: PendingRequests,
    hooks: ServiceTokenHooks | null,
    onExchange: (exchange: ClientExchange) => void,
  ): HeaderEnvironment {
    return {
      core: this.core,
      gzip: this.gzip,
      entitySchemes: this.serverSchemes,
      userSchemes: new Map(),
      keyExchange: this.config.keyExchange,
      strictKeyRequests: false,
      tokenCrypto: null,
      sessionCache: null,
      knownToken: pending.origin.masterToken,
      sessionFor: (token) => this.store.contextOf(token),
      completeExchange: async (response, header) => {
        const exchange = await this.#complete(response, header, pending);
        onExchange(exchange);
        return exchange;
      },
      serviceTokenContext: (name) => hooks?.crypto?.(name) ?? null,
    };
  }

  /** Tries every own request of the response's scheme. @throws KEYX_RESPONSE_REQUEST_MISMATCH, the last scheme error */
  async #complete(
    response: ReceivedKeyResponse,
    header: HeaderOrigin,
    pending: PendingRequests,
  ): Promise<ClientExchange> {
    const exchange = this.config.keyExchange.find((candidate) => candidate.name === response.scheme);
    if (exchange === undefined) return protocolError("KEYX_FACTORY_NOT_FOUND", "headerdata.keyresponsedata");
    const binding = {
      identity: pending.identity,
      request: headerBinding(pending.origin.entityAuth, pending.origin.masterToken),
      response: headerBinding(header.entityAuth, header.masterToken),
    };
    let failure: MslProtocolError | null = null;
    for (const request of pending.requests) {
      if (request.scheme !== response.scheme) continue;
      try {
        const keys = await exchange.complete(request, response.keydata, binding);
        const { masterToken } = response;
        const context = sessionContext(this.core, pending.identity, masterToken.sequenceNumber, keys);
        return { scheme: response.scheme, masterToken, context, keys };
      } catch (error) {
        if (!(error instanceof MslProtocolError)) throw error;
        failure = error;
      }
    }
    throw failure ?? new MslProtocolError("KEYX_RESPONSE_REQUEST_MISMATCH", "headerdata.keyresponsedata");
  }

  /**
   * Stores service tokens that were sent or received: empty ones delete, others replace. Tokens bound to a user ID
   * token that this device does not keep are ignored.
   */
  storeServiceTokens(
    tokens: readonly ServiceToken[],
    masterToken: MasterToken | null,
    userIdToken: UserIdToken | null,
  ): void {
    const kept: ServiceToken[] = [];
    for (const token of tokens) {
      const isDeletion = token.data !== null && token.data.length === 0;
      const master = token.mtSerialNumber === null ? null : masterToken;
      const user = token.uitSerialNumber === null ? null : userIdToken;
      if (isDeletion) this.store.removeServiceTokens(token.name, master, user);
      else if (token.uitSerialNumber === null || this.#keepsUser(token.uitSerialNumber)) kept.push(token);
    }
    this.store.addServiceTokens(kept);
  }

  #keepsUser(serialNumber: number): boolean {
    return this.store.userIds.some((id) => this.store.userIdToken(id)?.serialNumber === serialNumber);
  }
}
