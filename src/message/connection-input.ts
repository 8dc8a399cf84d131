// The incoming side of a connection that carries many messages, one after another. Each message sees its own objects
// only; what a message leaves behind (a stray end-of-message chunk, chunks that nobody asked for) is passed over before
// the next header.

import type { Core, ObjectScanner } from "../core/core.ts";
import { decodeObject } from "../encoding/codec.ts";
import { MslLocalError, protocolError } from "../errors/msl-error.ts";
import type { ByteReader } from "../platform/transport.ts";
import type { InputLimits, ObjectSource } from "./message-input.ts";

export class ConnectionInput {
  readonly #reader: ByteReader;
  readonly #scanner: ObjectScanner;
  readonly #limits: InputLimits;
  /** An object that belongs to the next message. */
  #kept: Uint8Array | null = null;
  /** The message whose objects these are; those before it are over, read or not. */
  #current: ConnectionMessage | null = null;
  #isEnded = false;
  #isBroken = false;

  constructor(core: Core, reader: ByteReader, limits: InputLimits) {
    this.#reader = reader;
    this.#scanner = core.createScanner(limits.maxObjectBytes);
    this.#limits = limits;
  }

  /** Whether the stream can no longer be cut into objects: nothing behind the failure is readable. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * The header of the next message with the source of what follows it; null at a clean end between messages.
   * @throws MSL_PARSE_ERROR, OBJECT_TOO_LARGE, MESSAGE_TOO_LARGE, transport errors
   */
  async message(): Promise<{ readonly header: Uint8Array; readonly source: ConnectionMessage } | null> {
    let passed = 0;
    this.#current = null;
    for (;;) {
      const object = this.buffered() ?? (await this.next());
      if (object === null) return null;
      if (kindOf(object) !== "chunk") {
        this.#current = new ConnectionMessage(this, object.length);
        return { header: object, source: this.#current };
      }
      passed += object.length;
      this.checkSize(passed);
    }
  }

  isCurrent(message: ConnectionMessage): boolean {
    return this.#current === message;
  }

  /** Objects of the stream, whatever they belong to. */
  buffered(): Uint8Array | null {
    const kept = this.#kept;
    this.#kept = null;
    if (kept !== null) return kept;
    try {
      return this.#scanner.next();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const object = this.buffered();
      if (object !== null) return object;
      if (this.#isEnded) {
        if (!this.#scanner.isBetweenObjects) protocolError("MSL_PARSE_ERROR", "message");
        return null;
      }
      const bytes = await this.#reader.read();
      if (bytes === null) this.#isEnded = true;
      else this.#scanner.push(bytes);
    }
  }

  /** Keeps an object for the next message. */
  keep(object: Uint8Array): void {
    this.#kept = object;
  }

  checkSize(bytes: number): void {
    const limit = this.#limits.maxMessageBytes;
    if (limit === null || bytes <= limit) return;
    this.#isBroken = true;
    throw new MslLocalError("MESSAGE_TOO_LARGE", `maxMessageBytes is ${limit}.`, "message");
  }
}

/** What follows the header of one message. */
export class ConnectionMessage implements ObjectSource {
  readonly #input: ConnectionInput;
  #bytes: number;
  /** The message may have no chunks, and then ends where the next header begins. */
  endsAtHeader = false;

  constructor(input: ConnectionInput, headerBytes: number) {
    this.#input = input;
    this.#bytes = headerBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  buffered(): Uint8Array | null {
    if (!this.#input.isCurrent(this)) return null;
    const object = this.#input.buffered();
    if (object === null) return null;
    if (this.endsAtHeader && kindOf(object) === "header") {
      this.#input.keep(object);
      return null;
    }
    return this.#counted(object);
  }

  async next(): Promise<Uint8Array | null> {
    if (!this.#input.isCurrent(this)) return null;
    const object = await this.#input.next();
    if (object === null) return null;
    if (this.endsAtHeader && kindOf(object) === "header") {
      this.#input.keep(object);
      return null;
    }
    return this.#counted(object);
  }

  #counted(object: Uint8Array): Uint8Array {
    this.#bytes += object.length;
    this.#input.checkSize(this.#bytes);
    return object;
  }

  /** The connection goes on: whoever uses it next drains the message. */
  cancel(): void {}
}

function kindOf(object: Uint8Array): "header" | "chunk" | "other" {
  try {
    const map = decodeObject(object, "message");
    if (map.has("headerdata") || map.has("errordata")) return "header";
    return map.has("payload") ? "chunk" : "other";
  } catch {
    return "other"; // its reader says what is wrong with it
  }
}
