// Counters of a server, fed by its events: what an operator watches. Every label comes from a table of this library, so
// that nobody outside can make the counters grow.

import type { ExchangeEvent, ServerEvent } from "./events.ts";

/** Upper bounds of the latency histogram in ms; one more bucket holds what is slower. */
export const LATENCY_BOUNDS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];

/** Labels of one counter, which applications may add to with schemes of their own; beyond this many, `other`. */
const MAX_LABELS = 256;

export interface MetricsSnapshot {
  readonly exchanges: number;
  /** By outcome, and by code of the error that was sent or that ended the exchange. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly entitySchemes: Readonly<Record<string, number>>;
  readonly keyExchanges: Readonly<Record<string, number>>;
  readonly masterTokens: { readonly issued: number; readonly renewed: number };
  readonly userIdTokens: { readonly issued: number; readonly renewed: number };
  /** Non-replayable messages refused as seen before. */
  readonly replays: number;
  /** Logins that succeeded and that failed. */
  readonly logins: { readonly succeeded: number; readonly failed: number };
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Exchanges by latency: one count a bound of `LATENCY_BOUNDS`, not cumulative, and the rest. */
  readonly latency: { readonly counts: readonly number[]; readonly sumMs: number };
}

export interface Metrics {
  /** For `ServerConfig.onEvent`. */
  readonly onEvent: (event: ServerEvent) => void;
  snapshot(): MetricsSnapshot;
  /** In the text format that Prometheus reads, each name after `prefix`. */
  text(prefix?: string): string;
}

const REPLAYS = new Set(["MESSAGE_REPLAYED", "MESSAGE_REPLAYED_UNRECOVERABLE"]);
const LOGIN_FAILURES = new Set([
  "EMAILPASSWORD_BLANK",
  "EMAILPASSWORD_INCORRECT",
  "USERAUTH_ENTITY_INCORRECT_DATA",
  "USERAUTH_ENTITYUSER_INCORRECT_DATA",
  "USERAUTH_ENTITY_MISMATCH",
  "USERAUTH_MASTERTOKEN_INVALID",
  "USERAUTH_MASTERTOKEN_NOT_DECRYPTED",
  "USERAUTH_USERIDTOKEN_INVALID",
  "USERAUTH_USERIDTOKEN_NOT_DECRYPTED",
  "USERIDTOKEN_USERAUTH_DATA_MISMATCH",
  "USERAUTH_VERIFICATION_FAILED",
]);

export function createMetrics(): Metrics {
  return new ServerMetrics();
}

class Counter {
  readonly #counts = new Map<string, number>();

  add(label: string): void {
    const key = this.#counts.has(label) || this.#counts.size < MAX_LABELS ? label : "other";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  get values(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

class ServerMetrics implements Metrics {
  readonly #outcomes = new Counter();
  readonly #errors = new Counter();
  readonly #entitySchemes = new Counter();
  readonly #keyExchanges = new Counter();
  readonly #masterTokens = { issued: 0, renewed: 0 };
  readonly #userIdTokens = { issued: 0, renewed: 0 };
  readonly #latency: number[] = new Array(LATENCY_BOUNDS.length + 1).fill(0);
  readonly #logins = { succeeded: 0, failed: 0 };
  #exchanges = 0;
  #replays = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #sumMs = 0;

  readonly onEvent = (event: ServerEvent): void => {
    this.#exchanges++;
    this.#bytesIn += event.bytesIn;
    this.#bytesOut += event.bytesOut;
    this.#sumMs += event.ms;
    const slot = LATENCY_BOUNDS.findIndex((bound) => event.ms <= bound);
    const at = slot < 0 ? LATENCY_BOUNDS.length : slot;
    this.#latency[at] = (this.#latency[at] ?? 0) + 1;
    this.#outcomes.add(event.outcome);
    if (event.entityScheme !== null) this.#entitySchemes.add(event.entityScheme);
    if (event.keyExchange !== null) this.#keyExchanges.add(event.keyExchange);
    if (event.masterToken !== null) this.#masterTokens[event.masterToken]++;
    if (event.userIdToken !== null) this.#userIdTokens[event.userIdToken]++;
    this.#judge(event);
  };

  #judge({ code, userScheme }: ExchangeEvent): void {
    if (code !== null) this.#errors.add(code);
    if (code !== null && REPLAYS.has(code)) this.#replays++;
    if (code !== null && LOGIN_FAILURES.has(code)) this.#logins.failed++;
    else if (userScheme !== null) this.#logins.succeeded++;
  }

  snapshot(): MetricsSnapshot {
    return {
      exchanges: this.#exchanges,
      outcomes: this.#outcomes.values,
      errors: this.#errors.values,
      entitySchemes: this.#entitySchemes.values,
      keyExchanges: this.#keyExchanges.values,
      masterTokens: { ...this.#masterTokens },
      userIdTokens: { ...this.#userIdTokens },
      replays: this.#replays,
      logins: { ...this.#logins },
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      latency: { counts: [...this.#latency], sumMs: this.#sumMs },
    };
  }

  text(prefix = "msl"): string {
    const seen = this.snapshot();
    const lines: string[] = [];
    const counter = (name: string, rows: readonly (readonly [string, number])[]) => {
      lines.push(`# TYPE ${prefix}_${name} counter`);
      for (const [labels, value] of rows) lines.push(`${prefix}_${name}${labels} ${value}`);
    };
    const by = (label: string, values: Readonly<Record<string, number>>) =>
      Object.entries(values).map(([key, value]) => [`{${label}="${key.replace(/[^\w.:-]/g, "_")}"}`, value] as const);
    counter("exchanges_total", by("outcome", seen.outcomes));
    counter("errors_total", by("code", seen.errors));
    counter("entity_schemes_total", by("scheme", seen.entitySchemes));
    counter("key_exchanges_total", by("scheme", seen.keyExchanges));
    counter("master_tokens_total", by("event", seen.masterTokens));
    counter("user_id_tokens_total", by("event", seen.userIdTokens));
    counter("logins_total", by("result", seen.logins));
    counter("replays_total", [["", seen.replays]]);
    counter("bytes_total", by("direction", { in: seen.bytesIn, out: seen.bytesOut }));
    lines.push(`# TYPE ${prefix}_exchange_ms histogram`);
    let cumulative = 0;
    for (const [i, count] of seen.latency.counts.entries()) {
      cumulative += count;
      lines.push(`${prefix}_exchange_ms_bucket{le="${LATENCY_BOUNDS[i] ?? "+Inf"}"} ${cumulative}`);
    }
    lines.push(`${prefix}_exchange_ms_sum ${seen.latency.sumMs}`, `${prefix}_exchange_ms_count ${seen.exchanges}`, "");
    return lines.join("\n");
  }
}
