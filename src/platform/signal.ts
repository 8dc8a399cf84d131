// The least that cancellation needs: `aborted` and `onabort`. An AbortSignal satisfies it, so does a plain object
// on an engine that has none.

export interface CancelSignal {
  readonly aborted: boolean;
  /** What the operation rejects with; without it an ABORTED error is made. */
  readonly reason?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: only `any` makes the DOM's handler type fit
  onabort: ((this: any, event: any) => any) | null;
}

const listeners = new WeakMap<CancelSignal, Set<() => void>>();

/**
 * Calls `fire` once when the signal aborts (at once if it already has). Any number of watchers share the one
 * `onabort` slot, and a handler that stood there before keeps being called.
 * @returns stops watching
 */
export function watchCancel(signal: CancelSignal | null, fire: () => void): () => void {
  if (signal === null) return () => {};
  if (signal.aborted) {
    fire();
    return () => {};
  }
  let set = listeners.get(signal);
  if (set === undefined) {
    const own = new Set<() => void>();
    const previous = signal.onabort;
    signal.onabort = function (event) {
      for (const listener of [...own]) listener();
      own.clear();
      previous?.call(this, event);
    };
    listeners.set(signal, own);
    set = own;
  }
  const watchers = set;
  watchers.add(fire);
  return () => watchers.delete(fire);
}
