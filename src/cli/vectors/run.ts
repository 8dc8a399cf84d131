// Runs a folder of vectors. One vector is one element of one list and counts once: passed, failed, or skipped because
// the build does not contain a scheme that it needs. Unknown files, members and lists are failures.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_MESSAGE_BYTES } from "../../control/settings.ts";
import type { Core } from "../../core/core.ts";
import { type WrapKeyStore, wrapKeyStore } from "../../key-exchange/wrap-keys.ts";
import type { Gzip } from "../../platform/gzip.ts";
import { tokenKeys } from "../../tokens/token-crypto.ts";
import { readKeysFile } from "../keys-file.ts";
import { attemptsFor, REFERENCE_RULES } from "./exceptions.ts";
import { missingScheme } from "./schemes.ts";
import type { Bench, BenchKeys, FileSpec, ListSpec } from "./spec.ts";
import { type Fields, Mismatch, Vector } from "./vector.ts";

export interface RunOptions {
  readonly core: Core;
  readonly gzip: Gzip;
  /** Runs every vector with all switches that reproduce the reference. */
  readonly compat: boolean;
  readonly print: (line: string) => void;
  /** The files that are known, by name. */
  readonly files: ReadonlyMap<string, FileSpec>;
}

export interface RunResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Vectors by the scheme that the build does not contain. */
  readonly skippedBy: ReadonlyMap<string, number>;
  /** 0 if nothing failed and something passed. */
  readonly exitCode: 0 | 1;
}

const KEY_FILE = "keys.json";

/** Runs every file of `dir` and prints failures as they come, then skips, then the totals. */
export async function runVectors(dir: string, options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  const keys = await run.readKeys(dir);
  if (keys !== null) {
    for (const name of readdirSync(dir).sort()) {
      if (name !== KEY_FILE && !name.endsWith(".md")) await run.file(dir, name, keys);
    }
  }
  return run.finish();
}

class Run {
  readonly #options: RunOptions;
  readonly #skippedBy = new Map<string, number>();
  #passed = 0;
  #failed = 0;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async readKeys(dir: string): Promise<BenchKeys | null> {
    try {
      const { core } = this.#options;
      const file = readKeysFile(join(dir, KEY_FILE));
      const peerContext = file.peerIssuerContext(core);
      const ladders = new Map<string, WrapKeyStore>();
      for (const ladder of ["JWE_LADDER", "JWK_LADDER"]) ladders.set(ladder, await wrapKeyStore(core));
      return {
        file,
        ladders,
        issuer: tokenKeys([file.issuerContext(core)]),
        peerIssuer: peerContext && tokenKeys([peerContext]),
        psk: file.pskContexts(core),
        serviceToken: file.serviceTokenContexts(core),
      };
    } catch (error) {
      this.#fail(KEY_FILE, "-", reasonOf(error));
      return null;
    }
  }

  async file(dir: string, name: string, keys: BenchKeys): Promise<void> {
    const spec = this.#options.files.get(name);
    if (spec === undefined) return this.#fail(name, "-", "no such vector file is known");
    let members: Fields;
    try {
      const parsed: unknown = JSON.parse(readFileSync(join(dir, name), "utf8"));
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
        throw new Mismatch("not a JSON object");
      members = parsed as Fields;
    } catch (error) {
      return this.#fail(name, "-", reasonOf(error));
    }
    for (const member of Object.keys(members)) {
      const lists = Object.keys(spec.lists).filter((list) => list === member || list.startsWith(`${member}.`));
      if (lists.length === 0 && !spec.members.includes(member)) {
        this.#fail(name, `${member}#-`, "no such list is known");
      }
      for (const list of lists) await this.#list(spec, list, members, keys);
    }
  }

  async #list(spec: FileSpec, list: string, members: Fields, keys: BenchKeys): Promise<void> {
    const [outer, inner] = list.split(".") as [string, string | undefined];
    const value = inner === undefined ? members[outer] : (members[outer] as Fields | null)?.[inner];
    if (!Array.isArray(value)) return this.#fail(spec.file, `${list}#-`, "not a list");
    for (const [index, element] of value.entries()) {
      await this.#vector(spec, list, index, element, members, keys);
    }
  }

  async #vector(
    spec: FileSpec,
    list: string,
    index: number,
    element: unknown,
    common: Fields,
    keys: BenchKeys,
  ): Promise<void> {
    const listSpec = spec.lists[list] as ListSpec;
    const where = `${list}#${index}`;
    try {
      const scheme = await this.#missing(listSpec, element, common, keys);
      if (scheme !== null) {
        this.#skippedBy.set(scheme, (this.#skippedBy.get(scheme) ?? 0) + 1);
        return;
      }
      for (const attempt of attemptsFor(spec.file, list, new Vector(element), this.#options.compat)) {
        const vector = new Vector({ ...(element as Fields), ...attempt.instead });
        vector.ignore("name");
        await this.#scoped(keys, common, attempt.switches, (bench) => listSpec.run(vector, bench));
        const unread = vector.unread();
        if (unread.length > 0) throw new Mismatch(`recorded, but not checked: ${unread.join(", ")}`);
      }
      this.#passed++;
    } catch (error) {
      this.#fail(spec.file, where, reasonOf(error), label(element));
    }
  }

  async #missing(spec: ListSpec, element: unknown, common: Fields, keys: BenchKeys): Promise<string | null> {
    const { needs } = spec;
    if (needs === undefined) return null;
    return this.#scoped(keys, common, REFERENCE_RULES, async (bench) =>
      missingScheme(await needs(new Vector(element), bench)),
    );
  }

  async #scoped<T>(
    keys: BenchKeys,
    common: Fields,
    switches: Bench["switches"],
    body: (bench: Bench) => T | Promise<T>,
  ): Promise<T> {
    const owned: { dispose(): void }[] = [];
    const { core, gzip } = this.#options;
    const own: Bench["own"] = (resource) => {
      owned.push(resource);
      return resource;
    };
    try {
      return await body({
        core,
        gzip,
        compression: { gzip, maxBytes: MAX_MESSAGE_BYTES },
        keys,
        common,
        switches,
        own,
      });
    } finally {
      for (const resource of owned.reverse()) resource.dispose();
    }
  }

  #fail(file: string, where: string, reason: string, name = "-"): void {
    this.#failed++;
    this.#options.print(`FAIL ${file} ${where} ${oneLine(name)}: ${oneLine(reason)}`);
  }

  finish(): RunResult {
    const skipped = [...this.#skippedBy.values()].reduce((sum, count) => sum + count, 0);
    for (const [scheme, count] of [...this.#skippedBy].sort(([a], [b]) => (a < b ? -1 : 1))) {
      this.#options.print(`SKIP ${scheme}: ${count}`);
    }
    this.#options.print(`${this.#passed} passed, ${this.#failed} failed, ${skipped} skipped`);
    return {
      passed: this.#passed,
      failed: this.#failed,
      skipped,
      skippedBy: this.#skippedBy,
      exitCode: this.#failed === 0 && this.#passed > 0 ? 0 : 1,
    };
  }
}

/** What a reader finds the vector by: its name, else the fields that tell its neighbours apart. */
function label(element: unknown): string {
  if (typeof element !== "object" || element === null) return "-";
  const fields = element as Fields;
  const parts = [fields.name ?? fields.scheme ?? fields.algorithm ?? fields.algo ?? fields.input ?? fields.messageid];
  if (fields.name === undefined && typeof fields.mechanism === "string") parts.push(fields.mechanism);
  const shown = parts.filter((part) => part !== undefined).join(":");
  return shown === "" ? "-" : shown.slice(0, 80);
}

function reasonOf(error: unknown): string {
  if (error instanceof Mismatch) return error.message;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return "failed without an error";
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
