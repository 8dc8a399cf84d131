// Verified master tokens whose sessions stay imported between messages: a bounded least-recently-used map. It saves
// decoding, decrypting and importing, never verifying. A session that falls out is disposed once no request holds it,
// and only after others fell out behind it, so that one just looked up is safe until its request holds it.

/** What is cached: a token with the session that holds its keys. */
interface Cached {
  readonly tokendata: Uint8Array;
  readonly signature: Uint8Array;
  readonly verified: { readonly context: { dispose(): void } };
}

/** Sessions that fell out and wait to be disposed. */
const WAITING = 64;

export class SessionCache<T extends Cached> {
  readonly #limit: number;
  readonly #tokens = new Map<string, T>();
  readonly #held = new Map<T["verified"], number>();
  #waiting: T["verified"][] = [];
  /** The token used last: devices come back at once more often than not. */
  #newest: T | null = null;

  /** @param limit  sessions held; 0 holds none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The token with exactly these bytes. Call only after the signature was verified over the token data. */
  get(tokendata: Uint8Array, signature: Uint8Array): T | null {
    if (this.#newest !== null && isToken(this.#newest, tokendata, signature)) return this.#newest;
    const key = keyOf(tokendata, signature);
    const found = this.#tokens.get(key);
    if (found === undefined || !isToken(found, tokendata, signature)) return null;
    this.#tokens.delete(key);
    this.#tokens.set(key, found);
    this.#newest = found;
    return found;
  }

  set(token: T): void {
    const key = keyOf(token.tokendata, token.signature);
    const known = this.#tokens.get(key);
    if (known !== undefined && known.verified !== token.verified) this.#waiting.push(known.verified);
    this.#tokens.delete(key);
    this.#tokens.set(key, token);
    this.#newest = token;
    if (this.#tokens.size > this.#limit) {
      for (const [oldest, fallen] of this.#tokens) {
        this.#tokens.delete(oldest);
        this.#waiting.push(fallen.verified);
        if (this.#newest === fallen) this.#newest = null;
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
  hold(session: T["verified"]): () => void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + 1);
    return () => {
      const left = (this.#held.get(session) ?? 0) - 1;
      if (left > 0) this.#held.set(session, left);
      else this.#held.delete(session);
    };
  }

  /** Wipes all sessions; none may be in use. */
  clear(): void {
    for (const token of this.#tokens.values()) token.verified.context.dispose();
    for (const session of this.#waiting) session.context.dispose();
    this.#tokens.clear();
    this.#waiting = [];
    this.#newest = null;
  }
}

/** Length of the token data and signature: behind a verified MAC they name one token. */
function keyOf(tokendata: Uint8Array, signature: Uint8Array): string {
  return `${tokendata.length}:${String.fromCharCode.apply(null, signature as unknown as number[])}`;
}

function isToken(token: Cached, tokendata: Uint8Array, signature: Uint8Array): boolean {
  return isSameBytes(token.signature, signature) && isSameBytes(token.tokendata, tokendata);
}

/** Of public bytes: stops at the first difference. */
export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
