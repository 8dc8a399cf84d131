// Bodies to send, made again for each attempt: values as they are, functions called anew, one-shot sources remembered
// up to a bound.

import { textBytes } from "../message/body.ts";
import type { Body, BodySource } from "./api.ts";

export interface RepeatableBody {
  /** Known before anything is read. */
  readonly isEmpty: boolean;
  /** Whether another attempt can send the same bytes. */
  readonly canRepeat: boolean;
  open(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** There will be no other attempt: a source that was not read to its end is told. */
  end(): void;
}

export function repeatableBody(body: Body | undefined, resendBytes: number): RepeatableBody {
  if (body === undefined) return fixed(new Uint8Array(0));
  if (typeof body === "function") return { isEmpty: false, canRepeat: true, open: () => pieces(body()), end() {} };
  if (typeof body === "string") return fixed(textBytes(body));
  if (body instanceof Uint8Array) return fixed(body);
  return new OneShot(body, resendBytes);
}

function fixed(bytes: Uint8Array): RepeatableBody {
  return { isEmpty: bytes.length === 0, canRepeat: true, open: () => [bytes], end() {} };
}

function pieces(source: BodySource): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof source === "string") return [textBytes(source)];
  return source instanceof Uint8Array ? [source] : source;
}

/** Remembers what a one-shot source gave, as long as it fits the bound. */
class OneShot implements RepeatableBody {
  readonly isEmpty = false;
  readonly #iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
  readonly #limit: number;
  #kept: Uint8Array[] = [];
  #size = 0;
  #isEnded = false;
  #attempts = 0;
  /** Asked for, and not given to anybody yet. */
  #asked: Promise<IteratorResult<Uint8Array>> | null = null;

  constructor(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, limit: number) {
    this.#limit = limit;
    this.#iterator =
      Symbol.asyncIterator in source
        ? source[Symbol.asyncIterator]()
        : (source as Iterable<Uint8Array>)[Symbol.iterator]();
  }

  get canRepeat(): boolean {
    return this.#size <= this.#limit;
  }

  async *open(): AsyncGenerator<Uint8Array> {
    const attempt = ++this.#attempts;
    for (const piece of this.#kept) yield piece;
    while (!this.#isEnded) {
      this.#asked ??= Promise.resolve(this.#iterator.next());
      const next = await this.#asked;
      // The attempt failed while it waited: the piece is for the one after it.
      if (attempt !== this.#attempts) return;
      this.#asked = null;
      if (next.done === true) {
        this.#isEnded = true;
        return;
      }
      this.#size += next.value.length;
      // The source may fill its buffer again: keep a copy. Beyond the bound nothing is kept any more.
      if (this.canRepeat) this.#kept.push(next.value.length === 0 ? next.value : next.value.slice());
      else this.#kept = [];
      yield next.value;
    }
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#kept = [];
    void Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }
}
