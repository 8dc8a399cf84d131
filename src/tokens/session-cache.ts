// Sessions of verified master tokens that stay imported between messages: a bounded least-recently-used map. It saves
// decrypting and importing, never verifying. A session that falls out is disposed once no request holds it, and only
// after others fell out behind it, so that one just looked up is safe until its request holds it.

/** What is cached: a session whose context holds its keys. */
interface Cached {
  readonly context: { dispose(): void };
}

/** Sessions that fell out and wait to be disposed. */
const WAITING = 64;

export class SessionCache<T extends Cached> {
  readonly #limit: number;
  readonly #sessions = new Map<string, T>();
  readonly #held = new Map<T, number>();
  #waiting: T[] = [];

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
    const key = keyOf(tokendata, signature);
    const known = this.#sessions.get(key);
    if (known !== undefined && known !== session) this.#waiting.push(known);
    this.#sessions.set(key, session);
    if (this.#sessions.size > this.#limit) {
      for (const [oldest, fallen] of this.#sessions) {
        this.#sessions.delete(oldest);
        this.#waiting.push(fallen);
        break;
      }
    }
    if (this.#waiting.length > WAITING) this.#disposeOldest();
  }

  #disposeOldest(): void {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    if (this.#held.has(oldest)) this.#waiting.push(oldest);
    else oldest.context.dispose();
  }

  /** Keeps a session usable until the result is called, whether or not it falls out meanwhile. */
  hold(session: T): () => void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + 1);
    return () => {
      const left = (this.#held.get(session) ?? 0) - 1;
      if (left > 0) this.#held.set(session, left);
      else this.#held.delete(session);
    };
  }

  /** Wipes all sessions; none may be in use. */
  clear(): void {
    for (const session of [...this.#sessions.values(), ...this.#waiting]) session.context.dispose();
    this.#sessions.clear();
    this.#waiting = [];
  }
}

/** Length of the token data and signature: behind a verified MAC they name one token. */
function keyOf(tokendata: Uint8Array, signature: Uint8Array): string {
  return `${tokendata.length}:${String.fromCharCode.apply(null, signature as unknown as number[])}`;
}
