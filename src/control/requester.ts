// What whoever holds tokens of others does with what arrives for it: completes key exchanges that it began, and stores
// service tokens. Shared by clients and peers.

import type { Core } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { sessionContext } from "../crypto/session.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { KeyExchange, KeyRequest } from "../key-exchange/scheme.ts";
import { type CompletedExchange, headerBinding } from "../message/header.ts";
import type { HeaderOrigin, ReceivedKeyResponse } from "../message/header-reader.ts";
import type { DeviceStore, Lease } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";

/** Key requests of one message, with what binds their answers. */
export interface PendingRequests {
  readonly requests: readonly KeyRequest[];
  readonly origin: HeaderOrigin;
  readonly identity: string;
}

/** A completed exchange with its keys, until the store takes them over. */
export interface OwnExchange extends CompletedExchange {
  readonly keys: SessionKeys;
  isTaken: boolean;
}

/** Tries every own request of the response's scheme. @throws KEYX_RESPONSE_REQUEST_MISMATCH, the last scheme error */
export async function completeExchange(
  core: Core,
  keyExchange: readonly KeyExchange[],
  response: ReceivedKeyResponse,
  header: HeaderOrigin,
  pending: PendingRequests,
): Promise<OwnExchange> {
  const exchange = keyExchange.find((candidate) => candidate.name === response.scheme);
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
      const context = sessionContext(core, pending.identity, masterToken.sequenceNumber, keys);
      return { scheme: response.scheme, masterToken, context, keys, isTaken: false };
    } catch (error) {
      if (!(error instanceof MslProtocolError)) throw error;
      failure = error;
    }
  }
  throw failure ?? new MslProtocolError("KEYX_RESPONSE_REQUEST_MISMATCH", "headerdata.keyresponsedata");
}

/** Wipes what came of an exchange, unless the store has it: from then on it is in use, whatever fails later. */
export function disposeExchange(exchange: OwnExchange | null): void {
  if (exchange === null || exchange.isTaken) return;
  exchange.keys.encryption.dispose();
  exchange.keys.mac.dispose();
}

/** The session of an exchange that no store takes: it ends with the message that brought it. */
export function passingLease(exchange: OwnExchange): Lease {
  const { masterToken, context } = exchange;
  return { masterToken, context, release: () => context.dispose() };
}

/**
 * The store takes the new master token and its keys. It is the one that is used from now on: exchanges follow one
 * another, so all others are older, those of other serial numbers too, which an order by sequence number would prefer.
 */
export function takeExchange(store: DeviceStore, exchange: OwnExchange): void {
  store.addMasterToken(exchange.masterToken, exchange.keys);
  exchange.isTaken = true;
  store.retireOthers(exchange.masterToken);
}

/**
 * Stores service tokens that were sent or received: empty ones delete, others replace. Tokens bound to a user ID
 * token that the store does not keep are ignored.
 */
export function storeServiceTokens(
  store: DeviceStore,
  tokens: readonly ServiceToken[],
  masterToken: MasterToken | null,
  userIdToken: UserIdToken | null,
): void {
  const kept: ServiceToken[] = [];
  for (const token of tokens) {
    const isDeletion = token.data !== null && token.data.length === 0;
    const master = token.mtSerialNumber === null ? null : masterToken;
    const user = token.uitSerialNumber === null ? null : userIdToken;
    if (isDeletion) store.removeServiceTokens(token.name, master, user);
    else if (token.uitSerialNumber === null || keepsUser(store, token.uitSerialNumber)) kept.push(token);
  }
  store.addServiceTokens(kept);
}

function keepsUser(store: DeviceStore, serialNumber: number): boolean {
  return store.userIds.some((id) => store.userIdToken(id)?.serialNumber === serialNumber);
}
