// Bodies as Web Streams, where the engine has them. Nothing is read before it is wanted; whoever stops is heard on the
// other side.

import type { Incoming, Outgoing } from "../control/api.ts";
import { MslUsageError } from "../errors/msl-error.ts";

/** The platform's streams, as they are typed there. */
export type WebReadable = typeof globalThis extends { ReadableStream: { prototype: infer S } } ? S : object;
export type WebWritable = typeof globalThis extends { WritableStream: { prototype: infer S } } ? S : object;

/** The parts of a ReadableStream that are used. */
export interface WebSource {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

interface Controller {
  enqueue(bytes: Uint8Array): void;
  close(): void;
}

interface Source {
  pull(controller: Controller): Promise<void>;
  cancel(): void;
}

interface Sink {
  write(bytes: unknown): Promise<void>;
  close(): Promise<void>;
  abort(): void;
}

declare const ReadableStream: new (source: Source, strategy: { highWaterMark: number }) => WebReadable;
declare const WritableStream: new (sink: Sink, strategy: { highWaterMark: number }) => WebWritable;

/** A body to send from a stream of bytes. The stream is locked, and cancelled if not all of it is wanted. */
export function webBody(stream: WebSource): AsyncIterable<Uint8Array> {
  const reader = stream.getReader();
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done: true, value: undefined } : { done: false, value: bytesOf(value) };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** A received body as a stream. Cancelling it gives the rest of the body up. */
export function webReadable(incoming: Incoming): WebReadable {
  const pieces = incoming[Symbol.asyncIterator]();
  const source: Source = {
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => incoming.cancel(),
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** The body of an open channel as a stream: each write leaves at once. Aborting it drops the request. */
export function webWritable(outgoing: Outgoing): WebWritable {
  const sink: Sink = {
    async write(bytes) {
      await outgoing.write(bytesOf(bytes));
      await outgoing.flush();
    },
    close: () => outgoing.close(),
    abort: () => outgoing.abort(),
  };
  return new WritableStream(sink, { highWaterMark: 1 });
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new MslUsageError("A stream of bytes is needed.");
}
