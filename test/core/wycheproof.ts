// Reads Wycheproof files through WYCHEPROOF_DIR. The number of cases is pinned, so a truncated file cannot pass.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const WYCHEPROOF_DIR = process.env.WYCHEPROOF_DIR ?? null;

export interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly flags: readonly string[];
  readonly [field: string]: unknown;
}

export interface Group {
  readonly tests: readonly Case[];
  readonly [field: string]: unknown;
}

export const hex = (text: unknown) => new Uint8Array(Buffer.from(text as string, "hex"));
export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** All cases with their groups. @throws if the file does not hold exactly `count` */
export function wycheproof(name: string, count: number): { group: Group; item: Case }[] {
  const file = JSON.parse(readFileSync(join(WYCHEPROOF_DIR ?? "", `${name}.json`), "utf8"));
  const cases = (file.testGroups as Group[]).flatMap((group) => group.tests.map((item) => ({ group, item })));
  if (cases.length !== count || file.numberOfTests !== count) {
    throw new Error(`${name}: ${cases.length} cases, ${count} expected`);
  }
  return cases;
}
