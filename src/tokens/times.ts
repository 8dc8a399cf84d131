// Renewal and expiry of master and user ID tokens, in whole seconds, inclusive ("MSL Master Tokens"). Judged with the
// peer's time; where that is unknown, a token that was issued here is judged with the local clock, and one that was
// not is renewable and not expired.

export interface TokenTimes {
  readonly renewalWindow: number;
  readonly expiration: number;
}

/** @param now  the peer's time in seconds, or null; @param localNow  this clock's seconds for tokens issued here, else null */
export function isRenewable(token: TokenTimes, now: number | null, localNow: number | null): boolean {
  const at = now ?? localNow;
  return at === null || token.renewalWindow <= at;
}

export function isExpired(token: TokenTimes, now: number | null, localNow: number | null): boolean {
  const at = now ?? localNow;
  return at !== null && token.expiration <= at;
}
