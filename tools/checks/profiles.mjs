// Profiles of the core hold what their entry file names and nothing else, and stay within their bytes.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { declaredExports } from "./wasm-exports.mjs";

/** Bytes, raw and after gzip -9, that each profile may take. */
export const BUDGETS = { small: { raw: 28_000, gzip: 10_000 } };

/** Names that an entry file exports. */
export function namedExports(text) {
  const lists = [...text.matchAll(/^export \{([^}]*)\} from/gm)].map((match) => match[1]);
  return new Set(
    lists.flatMap((list) => list.split(",").map((name) => name.trim().split(" as ").at(-1))).filter(Boolean),
  );
}

export function profileProblems(name, bytes, entry, declared, budget) {
  const problems = [];
  const module = new WebAssembly.Module(bytes);
  const actual = WebAssembly.Module.exports(module).map((one) => one.name);
  const named = namedExports(entry).add("memory");
  if (WebAssembly.Module.imports(module).length > 0) problems.push(`${name} imports something`);
  for (const one of actual) {
    if (!named.has(one)) problems.push(`${name} exports ${one}, which its entry file does not name`);
    if (!declared.has(one)) problems.push(`${name} exports ${one}, which src/core/exports.ts does not declare`);
  }
  for (const one of named) if (!actual.includes(one)) problems.push(`${name} does not export ${one}`);
  if (budget === undefined) return [...problems, `${name} has no budget`];
  const gzip = gzipSync(bytes, { level: 9 }).length;
  if (bytes.length > budget.raw) problems.push(`${name} has ${bytes.length} bytes, ${budget.raw} are allowed`);
  if (gzip > budget.gzip) problems.push(`${name} has ${gzip} bytes after gzip, ${budget.gzip} are allowed`);
  return problems;
}

export function profiles() {
  const declared = declaredExports(readFileSync("src/core/exports.ts", "utf8"));
  const names = Object.keys(JSON.parse(readFileSync("asconfig.profiles.json", "utf8")).targets);
  return names.flatMap((name) =>
    profileProblems(
      name,
      readFileSync(`dist/core.${name}.wasm`),
      readFileSync(`assembly/index.${name}.ts`, "utf8"),
      declared,
      BUDGETS[name],
    ),
  );
}
