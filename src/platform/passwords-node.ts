// Salted, slow password hashes on Node (scrypt, RFC 7914), for the store behind EMAIL_PASSWORD. The text form carries its
// parameters, so that old hashes stay readable when the defaults rise: `scrypt$N$r$p$salt$hash`, in Base64url.

import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

const DEFAULT = { N: 32768, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** scrypt needs 128 N r bytes; parameters of a stored hash above this are refused. */
const MAX_MEMORY = 256 * 1024 * 1024;

export interface PasswordCost {
  /** Power of two. Default 32768. */
  readonly N?: number;
  readonly r?: number;
  readonly p?: number;
}

export async function hashPassword(password: string, cost: PasswordCost = {}): Promise<string> {
  const { N, r, p } = { ...DEFAULT, ...cost };
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, { N, r, p });
  return ["scrypt", N, r, p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/**
 * Whether the password is the one that was hashed. Null, the hash of a user that does not exist, costs the same time
 * and is never right.
 */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  const parsed = stored === null ? null : parse(stored);
  const { N, r, p } = parsed ?? DEFAULT;
  const salt = parsed?.salt ?? Buffer.alloc(SALT_BYTES);
  const hash = await derive(password, salt, { N, r, p });
  return parsed !== null && timingSafeEqual(hash, parsed.hash);
}

interface Stored {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function parse(stored: string): Stored | null {
  const [name, N, r, p, salt, hash, ...more] = stored.split("$");
  const numbers = [Number(N), Number(r), Number(p)];
  if (name !== "scrypt" || more.length > 0 || !numbers.every((value) => Number.isInteger(value) && value > 0))
    return null;
  const parsed = {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt ?? "", "base64url"),
    hash: Buffer.from(hash ?? "", "base64url"),
  };
  const isUsable = parsed.hash.length === HASH_BYTES && 128 * parsed.N * parsed.r <= MAX_MEMORY && parsed.p <= 16;
  return isUsable ? parsed : null;
}

function derive(password: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { ...cost, maxmem: MAX_MEMORY + 1024 * 1024 }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}
