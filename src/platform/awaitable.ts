// Results that slots give at once and hardware-held keys give later, through the same code.

export type Awaitable<T> = T | Promise<T>;

/** True for a result that must be awaited. Code on the message path asks, so that the synchronous case pays nothing. */
export function isPending<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Applies `next` at once where the value is here, after it arrives otherwise. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPending(value) ? value.then(next) : next(value);
}
