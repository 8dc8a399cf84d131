// One recorded vector as a runner sees it: typed access to its fields, and a record of which fields were looked at.
// A field that no runner compared or named as informational fails the vector: what is recorded is checked, or said not to be.

/** The implementation and the record differ; the text says where. */
export class Mismatch extends Error {}

const SHOWN = 120;

export type Fields = Readonly<Record<string, unknown>>;

export class Vector {
  readonly #fields: Fields;
  readonly #path: string;
  readonly #read = new Set<string>();
  readonly #children: Vector[] = [];

  constructor(fields: unknown, path = "") {
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
      throw new Mismatch(`${path || "vector"}: an object was expected`);
    }
    this.#fields = fields as Fields;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** The value as recorded, and read. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#fields[name];
  }

  /** Marks fields that say nothing about the implementation. */
  ignore(...names: string[]): void {
    for (const name of names) this.#read.add(name);
  }

  text(name: string): string {
    return this.#typed(name, "string", (value) => typeof value === "string") as string;
  }

  textOr(name: string): string | null {
    return this.has(name) ? this.text(name) : null;
  }

  number(name: string): number {
    return this.#typed(name, "number", (value) => typeof value === "number") as number;
  }

  numberOr(name: string): number | null {
    return this.has(name) ? this.number(name) : null;
  }

  flag(name: string): boolean {
    return this.#typed(name, "boolean", (value) => typeof value === "boolean") as boolean;
  }

  /** Bytes recorded in hexadecimal. */
  bytes(name: string): Uint8Array {
    return fromHex(this.text(name), this.#at(name));
  }

  bytesOr(name: string): Uint8Array | null {
    return this.has(name) ? this.bytes(name) : null;
  }

  /** The UTF-8 bytes of recorded text. */
  utf8(name: string): Uint8Array {
    return utf8(this.text(name));
  }

  /** Recorded JSON text, parsed. */
  json(name: string): unknown {
    return parseJson(this.text(name), this.#at(name));
  }

  object(name: string): Vector {
    const child = new Vector(this.raw(name), this.#at(name));
    this.#children.push(child);
    return child;
  }

  objectOr(name: string): Vector | null {
    return this.has(name) ? this.object(name) : null;
  }

  objects(name: string): readonly Vector[] {
    const list = this.raw(name);
    if (!Array.isArray(list)) throw new Mismatch(`${this.#at(name)}: a list was expected`);
    const vectors = list.map((element, i) => new Vector(element, `${this.#at(name)}[${i}]`));
    this.#children.push(...vectors);
    return vectors;
  }

  /** Paths of the fields that were neither read nor ignored. */
  unread(): readonly string[] {
    const own = Object.keys(this.#fields).filter((name) => this.has(name) && !this.#read.has(name));
    return [...own.map((name) => this.#at(name)), ...this.#children.flatMap((child) => child.unread())];
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #typed(name: string, type: string, test: (value: unknown) => boolean): unknown {
    const value = this.raw(name);
    if (!test(value)) throw new Mismatch(`${this.#at(name)}: the record holds no ${type}`);
    return value;
  }
}

/** Compares a result with the record. Byte strings are compared as hexadecimal, objects member by member. */
export function same(what: string, actual: unknown, expected: unknown): void {
  const have = plain(actual);
  const want = plain(expected);
  if (!equal(have, want)) throw new Mismatch(`${what} is ${shown(have)}, recorded ${shown(want)}`);
}

export function fail(reason: string): never {
  throw new Mismatch(reason);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

export function fromHex(hex: string, what = "hex"): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Mismatch(`${what}: not lower-case hexadecimal`);
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Standard base64 of keys.json. */
export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

export function parseJson(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Mismatch(`${what}: the record holds no JSON`);
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(entries.map(([name, member]) => [name, plain(member)]));
  }
  return value === undefined ? null : value;
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  const names = Object.keys(a);
  const other = b as Fields;
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equal((a as Fields)[name], other[name]))
  );
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > SHOWN ? `${json.slice(0, SHOWN)}…` : json;
}
