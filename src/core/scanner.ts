// Cuts a byte stream into MSL objects. The core finds the ends; the bytes of one object are held at most once, and a
// stream fed byte by byte costs no more than one fed whole.

import { MslLocalError, MslProtocolError } from "../errors/msl-error.ts";
import { SCAN_STATE_SIZE, STAGE_SIZE } from "./abi.ts";
import type { CoreExports } from "./exports.ts";

const NO_BYTES = new Uint8Array(0);

export class ObjectScanner {
  readonly #exports: CoreExports;
  readonly #memory: Uint8Array;
  readonly #stageIn: number;
  readonly #stageOut: number;
  readonly #maxObjectBytes: number;
  readonly #state = new Uint8Array(SCAN_STATE_SIZE);
  #buffer: Uint8Array = NO_BYTES;
  /** The buffer is the caller's piece, which is read and never written. */
  #isBorrowed = false;
  #start = 0;
  #scanned = 0;
  #end = 0;
  #isFirst = true;
  #isJson = false;

  constructor(exports: CoreExports, memory: Uint8Array, maxObjectBytes: number) {
    this.#exports = exports;
    this.#memory = memory;
    this.#stageIn = exports.stageInPtr();
    this.#stageOut = exports.stageOutPtr();
    this.#maxObjectBytes = maxObjectBytes;
  }

  /** Adds the next bytes of the stream; objects may be views of them, so they must not change afterwards. */
  push(bytes: Uint8Array): void {
    const held = this.#end - this.#start;
    if (held === 0) {
      this.#buffer = bytes;
      this.#isBorrowed = true;
      this.#start = 0;
      this.#scanned = 0;
      this.#end = bytes.length;
      return;
    }
    const need = held + bytes.length;
    if (this.#isBorrowed || this.#end + bytes.length > this.#buffer.length) {
      // Doubling, but not beyond what the largest object can need.
      const room = Math.min(Math.max(held * 2, 1024), this.#maxObjectBytes + STAGE_SIZE);
      const isTooSmall = this.#isBorrowed || need > this.#buffer.length;
      const target = isTooSmall ? new Uint8Array(Math.max(need, room)) : this.#buffer;
      if (target === this.#buffer) target.copyWithin(0, this.#start, this.#end);
      else target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#isBorrowed = false;
      this.#scanned -= this.#start;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next whole object, or null when more bytes are needed.
   * @throws MSL_PARSE_ERROR for bytes that begin no object, OBJECT_TOO_LARGE naming `maxObjectBytes`
   */
  next(): Uint8Array | null {
    this.#skipSpace();
    while (this.#scanned < this.#end) {
      const from = this.#scanned;
      const length = Math.min(this.#end - from, STAGE_SIZE);
      this.#memory.set(this.#buffer.subarray(from, from + length), this.#stageIn);
      this.#memory.set(this.#state, this.#stageOut);
      const status = this.#exports.scanFeed(length);
      if (status < 0) throw new MslProtocolError("MSL_PARSE_ERROR", "message");
      this.#scanned = from + (status > 0 ? status : length);
      if (this.#scanned - this.#start > this.#maxObjectBytes) {
        throw new MslLocalError("OBJECT_TOO_LARGE", `maxObjectBytes is ${this.#maxObjectBytes}.`, "message");
      }
      if (status > 0) return this.#take();
      this.#state.set(this.#memory.subarray(this.#stageOut, this.#stageOut + SCAN_STATE_SIZE));
    }
    return null;
  }

  #take(): Uint8Array {
    const { buffer, byteOffset } = this.#buffer;
    const length = this.#scanned - this.#start;
    const object = this.#isBorrowed
      ? new Uint8Array(buffer, byteOffset + this.#start, length)
      : this.#buffer.slice(this.#start, this.#scanned);
    this.#isJson = object[0] === 0x7b;
    this.#isFirst = false;
    this.#state.fill(0);
    this.#start = this.#scanned;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#scanned = 0;
      this.#end = 0;
      if (this.#isBorrowed || this.#buffer.length > STAGE_SIZE) this.#buffer = NO_BYTES;
    }
    return object;
  }

  /** White space may stand between JSON objects, not before the first. */
  #skipSpace(): void {
    if (this.#isFirst || !this.#isJson || this.#scanned !== this.#start) return;
    while (this.#start < this.#end) {
      const c = this.#buffer[this.#start];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
      this.#start++;
    }
    this.#scanned = this.#start;
  }

  /** True when the stream may end here: no object is half read. */
  get isBetweenObjects(): boolean {
    this.#skipSpace();
    return this.#start === this.#end;
  }

  /** Bytes behind the last object: they belong to what follows on the connection. */
  rest(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, this.#start, this.#end);
  }
}
