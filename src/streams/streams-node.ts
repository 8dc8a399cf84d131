// Bodies as streams of Node. Nothing is read before it is wanted; whoever stops is heard on the other side.

import { Readable, Writable } from "node:stream";
import type { Incoming, Outgoing } from "../control/api.ts";
import { MslUsageError } from "../errors/msl-error.ts";

/** A body to send from a stream of bytes. The stream is destroyed if not all of it is wanted. */
export function nodeBody(stream: Readable): AsyncIterable<Uint8Array> {
  const pieces: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      const { done, value } = await pieces.next();
      if (done === true) return { done: true, value: undefined };
      if (!(value instanceof Uint8Array)) throw new MslUsageError("A stream of bytes is needed.");
      return { done: false, value };
    },
    async return() {
      stream.destroy();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** A received body as a stream. Destroying it gives the rest of the body up. */
export function nodeReadable(incoming: Incoming): Readable {
  const pieces = incoming[Symbol.asyncIterator]();
  return new Readable({
    read() {
      pieces.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      if (!this.readableEnded) incoming.cancel();
      callback(error);
    },
  });
}

/** The body of an open channel as a stream: each write leaves at once. Destroying it drops the request. */
export function nodeWritable(outgoing: Outgoing): Writable {
  const told = (work: Promise<void>, callback: (error?: Error | null) => void) =>
    work.then(
      () => callback(),
      (error) => callback(error),
    );
  return new Writable({
    write(bytes: Uint8Array, _encoding, callback) {
      void told(
        outgoing.write(bytes).then(() => outgoing.flush()),
        callback,
      );
    },
    final(callback) {
      void told(outgoing.close(), callback);
    },
    destroy(error, callback) {
      if (!this.writableFinished) outgoing.abort();
      callback(error);
    },
  });
}
