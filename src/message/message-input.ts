// The incoming side of one message: objects cut from the byte stream, under the limits for one object and for the whole.

import type { Core, ObjectScanner } from "../core/core.ts";
import { MslLocalError, protocolError } from "../errors/msl-error.ts";
import type { ByteReader } from "../platform/transport.ts";

export interface InputLimits {
  readonly maxObjectBytes: number;
  /** Null: no bound. */
  readonly maxMessageBytes: number | null;
}

/** Objects of one message in turn: a message on a stream of its own, or one of many on a connection. */
export interface ObjectSource {
  /** Bytes of the objects given so far. */
  readonly bytes: number;
  /** The next object if all of it is here, else null. @throws as `next` */
  buffered(): Uint8Array | null;
  /** The next object, or null at a clean end between objects. @throws MSL_PARSE_ERROR, OBJECT_TOO_LARGE, MESSAGE_TOO_LARGE */
  next(): Promise<Uint8Array | null>;
  /** Gives the message up. */
  cancel(): void;
}

export class MessageInput implements ObjectSource {
  readonly #reader: ByteReader;
  readonly #scanner: ObjectScanner;
  readonly #limits: InputLimits;
  #received = 0;
  #taken = 0;
  #isEnded = false;

  constructor(core: Core, reader: ByteReader, limits: InputLimits) {
    this.#reader = reader;
    this.#scanner = core.createScanner(limits.maxObjectBytes);
    this.#limits = limits;
  }

  /** Bytes of the objects given so far. */
  get bytes(): number {
    return this.#taken;
  }

  /** Whether any byte arrived. */
  get hasBytes(): boolean {
    return this.#received > 0;
  }

  /** The next object if all of it is here, else null. @throws as `next` */
  buffered(): Uint8Array | null {
    const object = this.#scanner.next();
    if (object !== null) this.#taken += object.length;
    return object;
  }

  /**
   * The next object, or null at a clean end between objects.
   * @throws MSL_PARSE_ERROR (malformed, or cut inside an object), OBJECT_TOO_LARGE, MESSAGE_TOO_LARGE, transport errors
   */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const object = this.buffered();
      if (object !== null) return object;
      if (this.#isEnded) {
        if (!this.#scanner.isBetweenObjects) protocolError("MSL_PARSE_ERROR", "message");
        return null;
      }
      const bytes = await this.#reader.read();
      if (bytes === null) {
        this.#isEnded = true;
        continue;
      }
      this.#received += bytes.length;
      const limit = this.#limits.maxMessageBytes;
      if (limit !== null && this.#received > limit) {
        throw new MslLocalError("MESSAGE_TOO_LARGE", `maxMessageBytes is ${limit}.`, "message");
      }
      this.#scanner.push(bytes);
    }
  }

  /** Gives the stream up. */
  cancel(): void {
    this.#isEnded = true;
    this.#reader.cancel();
  }
}
