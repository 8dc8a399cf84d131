// The service tokens of a message under construction, and the editor that the application gets.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { Compressor } from "../encoding/compression.ts";
import type { Format } from "../encoding/codec.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import { createServiceToken, deletionOf, isSameSlot, type ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";

export type ServiceTokenBinding = "unbound" | "master" | "user";

/** Access to service tokens while a message is put together. Not to be kept. */
export interface ServiceTokenEditor {
  readonly tokens: readonly ServiceToken[];
  readonly hasMasterToken: boolean;
  readonly hasUserIdToken: boolean;
  /** Makes and adds a token; replaces one of the same name and binding. False: no context, or nothing to bind to. */
  add(
    name: string,
    data: Uint8Array,
    options?: { readonly binding?: ServiceTokenBinding; readonly encrypt?: boolean; readonly compress?: boolean },
  ): Awaitable<boolean>;
  /** Leaves a token out of this message. False: it was not there. */
  exclude(name: string, binding?: ServiceTokenBinding): boolean;
  /** Asks the receiver to delete a token. False: it was not there. */
  delete(name: string, binding?: ServiceTokenBinding): boolean;
  /** Peer-to-peer: the tokens that the receiver keeps and sends back with its own messages. Null elsewhere. */
  readonly peer: ServiceTokenEditor | null;
}

/** Access of the application to service tokens. */
export interface ServiceTokenHooks {
  /** Context of the tokens of this name; null: such tokens stay opaque. */
  crypto?(name: string): CryptoContext | null;
  /** Runs for every message of the operation, handshakes and retries included. */
  edit?(editor: ServiceTokenEditor, info: { readonly handshake: boolean }): Awaitable<void>;
}

/** Tokens of both directions of a message between peers. */
export interface EditedTokens {
  readonly primary: readonly ServiceToken[];
  readonly peer: readonly ServiceToken[];
}

export interface EditingSurroundings {
  readonly format: Format;
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  readonly compressor: Compressor | null;
  readonly hooks: ServiceTokenHooks | null;
  readonly handshake: boolean;
}

/** The tokens after the application edited them. */
export function editServiceTokens(
  tokens: readonly ServiceToken[],
  around: EditingSurroundings,
): Awaitable<readonly ServiceToken[]> {
  const { hooks } = around;
  if (hooks?.edit === undefined) return tokens;
  const set = new TokenSet(tokens, around);
  return chain(hooks.edit(set, { handshake: around.handshake }), () => set.tokens);
}

/** As `editServiceTokens`, with the tokens of the other direction: bound to what `peer` names. */
export function editPeerServiceTokens(
  tokens: EditedTokens,
  around: EditingSurroundings,
  peer: Pick<EditingSurroundings, "masterToken" | "userIdToken">,
): Awaitable<EditedTokens> {
  const { hooks } = around;
  if (hooks?.edit === undefined) return tokens;
  const others = new TokenSet(tokens.peer, { ...around, ...peer });
  const set = new TokenSet(tokens.primary, around, others);
  const editing = hooks.edit(set, { handshake: around.handshake });
  return chain(editing, () => ({ primary: set.tokens, peer: others.tokens }));
}

class TokenSet implements ServiceTokenEditor {
  tokens: readonly ServiceToken[];
  readonly peer: ServiceTokenEditor | null;
  readonly #around: EditingSurroundings;

  constructor(tokens: readonly ServiceToken[], around: EditingSurroundings, peer: ServiceTokenEditor | null = null) {
    this.tokens = tokens;
    this.peer = peer;
    this.#around = around;
  }

  get hasMasterToken(): boolean {
    return this.#around.masterToken !== null;
  }

  get hasUserIdToken(): boolean {
    return this.#around.userIdToken !== null;
  }

  async add(
    name: string,
    data: Uint8Array,
    options: { binding?: ServiceTokenBinding; encrypt?: boolean; compress?: boolean } = {},
  ): Promise<boolean> {
    const { format, masterToken, userIdToken, compressor, hooks } = this.#around;
    const binding = options.binding ?? "unbound";
    const context = hooks?.crypto?.(name) ?? null;
    if (context === null) return false;
    if (binding !== "unbound" && masterToken === null) return false;
    if (binding === "user" && userIdToken === null) return false;
    const token = await createServiceToken(format, {
      name,
      data,
      masterToken: binding === "unbound" ? null : masterToken,
      userIdToken: binding === "user" ? userIdToken : null,
      encrypt: options.encrypt ?? true,
      compressor: options.compress === true ? compressor : null,
      context,
    });
    this.tokens = [...this.tokens.filter((held) => !isSameSlot(held, token)), token];
    return true;
  }

  exclude(name: string, binding: ServiceTokenBinding = "unbound"): boolean {
    const kept = this.tokens.filter((token) => !isNamed(token, name, binding));
    const wasThere = kept.length < this.tokens.length;
    this.tokens = kept;
    return wasThere;
  }

  delete(name: string, binding: ServiceTokenBinding = "unbound"): boolean {
    const token = this.tokens.find((held) => isNamed(held, name, binding));
    if (token === undefined) return false;
    const deletion = deletionOf(this.#around.format, token);
    this.tokens = this.tokens.map((held) => (held === token ? deletion : held));
    return true;
  }
}

function isNamed(token: ServiceToken, name: string, binding: ServiceTokenBinding): boolean {
  const held = token.uitSerialNumber !== null ? "user" : token.mtSerialNumber !== null ? "master" : "unbound";
  return token.name === name && held === binding;
}
