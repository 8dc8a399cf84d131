// Sessions of verified master tokens that stay imported between messages: a bounded least-recently-used map. It saves
// decrypting and importing, never verifying. A session that falls out is disposed once no request uses it any more:
// dropping the last reference lets the handles be finalised, and the slot cache seals them out meanwhile.

/** What is cached: a session whose context holds its keys. */
interface Cached {
  readonly context: { dispose(): void };
}

export class SessionCache<T extends Cached> {
  readonly #limit: number;
  readonly #sessions = new Map<string, T>();

  /** @param limit  sessions held; 0 holds none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Call only after the signature was verified over the token data. */
  get(tokendata: Uint8Array, signature: Uint8Array): T | null {
    const key = keyOf(tokendata, signature);
    const found = this.#sessions.get(key);
    if (found === undefined) return null;
    this.#sessions.delete(key);
    this.#sessions.set(key, found);
    return found;
  }

  set(tokendata: Uint8Array, signature: Uint8Array, session: T): void {
    if (this.#limit === 0) return;
    this.#sessions.set(keyOf(tokendata, signature), session);
    if (this.#sessions.size <= this.#limit) return;
    const oldest = this.#sessions.keys().next();
    if (!oldest.done) this.#sessions.delete(oldest.value);
  }

  /** Wipes all sessions; none may be in use. */
  clear(): void {
    for (const session of this.#sessions.values()) session.context.dispose();
    this.#sessions.clear();
  }
}

/** Signature and length of the token data: behind a verified MAC they name one token. */
function keyOf(tokendata: Uint8Array, signature: Uint8Array): string {
  return `${tokendata.length}:${String.fromCharCode.apply(null, signature as unknown as number[])}`;
}
