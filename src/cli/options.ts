// The command line's option parser: strict, small. Whatever it does not know is wrong usage, exit code 2.

export class UsageError extends Error {}

export interface OptionSpec {
  /** `value` takes one, `list` may be given again, `flag` takes none. */
  readonly [name: string]: "value" | "list" | "flag";
}

export class Options {
  readonly positional: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(positional: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.positional = positional;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): string | null {
    return this.#values.get(name)?.[0] ?? null;
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  required(name: string): string {
    return this.get(name) ?? fail(`--${name} is required`);
  }

  /** One of `choices`, or the fallback. */
  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.get(name);
    if (value === null) return fallback;
    return choices.find((choice) => choice === value) ?? fail(`--${name} is one of ${choices.join(", ")}`);
  }

  /** A whole number of min..max, or the fallback. */
  integer(name: string, min: number, max: number, fallback: number): number {
    const value = this.get(name);
    return value === null ? fallback : wholeNumber(value, min, max, `--${name}`);
  }
}

export function fail(message: string): never {
  throw new UsageError(message);
}

export function wholeNumber(text: string, min: number, max: number, what: string): number {
  const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : fail(`${what} is a whole number of ${min} to ${max}`);
}

/** Options that stand before `--`, as `--name value` or `--name=value`; the rest is positional. @throws UsageError */
export function parseOptions(args: readonly string[], spec: OptionSpec, positionals: number): Options {
  const positional: string[] = [];
  const values = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("--") || arg === "--") {
      if (arg !== "--") positional.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const kind = Object.hasOwn(spec, name) ? spec[name] : undefined;
    if (kind === undefined) fail(`unknown option --${name}`);
    let value = equals < 0 ? null : arg.slice(equals + 1);
    if (kind === "flag") {
      if (value !== null) fail(`--${name} takes no value`);
      value = "";
    }
    value ??= args[++i] ?? fail(`--${name} needs a value`);
    const held = values.get(name);
    if (held !== undefined && kind !== "list") fail(`--${name} is given twice`);
    values.set(name, [...(held ?? []), value]);
  }
  if (positional.length > positionals) fail(`too many arguments: ${positional.length} given, ${positionals} taken`);
  return new Options(positional, values);
}
