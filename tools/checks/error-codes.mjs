// docs/ERRORS.md lists each code of src/errors/codes.ts with the tests that raise it, or says why nothing here can.
// A code that the library names must be raised by a test; one that it does not name must have a reason.
// `node tools/checks/error-codes.mjs --write` brings the column of tests up to date.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export const ERRORS_DOCUMENT = "docs/ERRORS.md";
const CODES = "src/errors/codes.ts";
const ROW = /^\| `([A-Z0-9_]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/;
/** Vector lists hold the code that each element must be refused with; the runner compares it. */
const VECTORS = "test/vectors";

/** Named by the library, and not yet raised by a test: each is a debt, and goes from here with its test. */
const UNSHOWN = new Set([]);

/** Rows of the table: code → [number, response code]. */
export function codesIn(text) {
  const rows = text.matchAll(/^ {2}([A-Z][A-Z0-9_]+): \[\s*(\d+),\s*(\d+),/gm);
  return new Map([...rows].map(([, code, number, response]) => [code, [Number(number), Number(response)]]));
}

/**
 * Codes that a test file demands of what it runs: in a statement that begins with `expect(`, or in a row of a table
 * whose code such a statement compares.
 */
export function assertedIn(text) {
  const codes = new Set();
  const collect = (part) => {
    for (const [, code] of part.matchAll(/(?<![A-Za-z0-9_])([A-Z][A-Z0-9]*_[A-Z0-9_]+)/g)) codes.add(code);
  };
  const statements = text
    .split(/\bexpect\(/)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf(";\n") + 1));
  for (const statement of statements) collect(statement);
  const comparesRow = statements.some((statement) => /\b(?:toBe|toEqual|toMatchObject)\(.*\bcode\b/.test(statement));
  if (comparesRow) for (const [item] of text.matchAll(/"[A-Z][A-Z0-9_]{3,}"(?=\s*[\],])/g)) collect(item);
  return codes;
}

/** Codes that the elements of a vector file must be refused with. */
export function refusedIn(text) {
  const codes = new Set();
  const walk = (value) => {
    if (value === null || typeof value !== "object") return;
    const name = value.error?.name;
    if (typeof name === "string") codes.add(name);
    for (const member of Object.values(value)) walk(member);
  };
  walk(JSON.parse(text));
  return codes;
}

function filesOf(directory, ending) {
  return readdirSync(directory, { recursive: true })
    .map((name) => `${directory}/${name}`.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(ending))
    .sort()
    .map((path) => [path, readFileSync(path, "utf8")]);
}

/** Code → files that raise it. */
export function raised() {
  const files = [
    ...filesOf("test", ".test.ts").map(([path, text]) => [path, assertedIn(text)]),
    ...filesOf(VECTORS, ".json").map(([path, text]) => [path, refusedIn(text)]),
  ];
  const byCode = new Map();
  for (const [path, codes] of files) for (const code of codes) byCode.set(code, [...(byCode.get(code) ?? []), path]);
  return byCode;
}

/** Codes that the library itself can raise: those that its sources name. */
export function named() {
  const text = filesOf("src", ".ts")
    .filter(([path]) => path !== CODES)
    .map(([, source]) => source)
    .join("\n");
  const names = new Set([...text.matchAll(/"([A-Z][A-Z0-9_]{3,})"/g)].map((match) => match[1]));
  names.delete("NONE"); // a scheme's name
  return names;
}

function cell(paths) {
  return paths.map((path) => `[${path.slice(5).replace(/\.test\.ts$/, "")}](../${path})`).join(", ");
}

export function judgeErrors(document, codes, named, raised) {
  const problems = [];
  const rows = new Map();
  for (const line of document.split("\n")) {
    const row = ROW.exec(line);
    if (row !== null) rows.set(row[1], row);
  }
  for (const code of rows.keys()) if (!codes.has(code)) problems.push(`${ERRORS_DOCUMENT}: there is no ${code}`);
  for (const [code, [number, response]] of codes) {
    const row = rows.get(code);
    if (row === undefined) {
      problems.push(`${ERRORS_DOCUMENT}: ${code} is missing`);
      continue;
    }
    if (row[2] !== String(number) || row[3] !== String(response))
      problems.push(`${ERRORS_DOCUMENT}: numbers of ${code}`);
    const paths = [...row[4].matchAll(/\]\(\.\.\/([^)]+)\)/g)].map((match) => match[1]);
    const known = raised.get(code) ?? [];
    if (named.has(code) && known.length === 0 && !UNSHOWN.has(code)) problems.push(`${code} is raised by no test`);
    if (paths.some((path) => !known.includes(path)))
      problems.push(`${ERRORS_DOCUMENT}: a file of ${code} does not raise it`);
    if (paths.length === 0 && row[4].trim().length < 10)
      problems.push(`${ERRORS_DOCUMENT}: ${code} has neither test nor reason`);
    if (paths.length === 0 && named.has(code) && known.length > 0 && !UNSHOWN.has(code))
      problems.push(`${ERRORS_DOCUMENT}: ${code} names no test (--write)`);
  }
  return problems;
}

export function errorCodes() {
  const codes = codesIn(readFileSync(CODES, "utf8"));
  return judgeErrors(readFileSync(ERRORS_DOCUMENT, "utf8"), codes, named(), raised());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--write")) {
    const byCode = raised();
    const ours = named();
    const lines = readFileSync(ERRORS_DOCUMENT, "utf8").split("\n");
    const written = lines.map((line) => {
      const row = ROW.exec(line);
      if (row === null || !ours.has(row[1])) return line;
      return `| \`${row[1]}\` | ${row[2]} | ${row[3]} | ${cell(byCode.get(row[1]) ?? []) || "not shown by a test yet"} |`;
    });
    writeFileSync(ERRORS_DOCUMENT, written.join("\n"));
  }
  const problems = errorCodes();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
