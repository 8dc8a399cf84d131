// docs/CONFORMANCE.md lists the statements of the protocol's checklist, CTL-1 to CTL-151, with the tests that show them.
// The tests are found by their names; `node tools/checks/conformance.mjs --write` brings the document's columns up to date.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export const DOCUMENT = "docs/CONFORMANCE.md";
const LAST = 151;
const TITLE =
  /\b(?:test|it)(?:\.each(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|`[^`]*`))?\(\s*(["'`])((?:(?!\1)[^\\]|\\.)*)\1/g;
const ROW = /^\| CTL-(\d+) \| ([^|]+) \| ([^|]*) \|$/;

/** Titles of the tests in a file's text. */
export function titlesIn(text) {
  return [...text.matchAll(TITLE)].map((match) => match[2]);
}

/** Tests by the number that their titles carry: number → [{ path, title }]. */
export function testsByNumber(files) {
  const byNumber = new Map();
  for (const [path, text] of files) {
    for (const title of titlesIn(text)) {
      for (const [, digits] of title.matchAll(/\bCTL-(\d+)\b/g)) {
        const number = Number(digits);
        byNumber.set(number, [...(byNumber.get(number) ?? []), { path, title }]);
      }
    }
  }
  return byNumber;
}

/** All files of the tests: [path, text]. */
export function testFiles(directory = "test") {
  return readdirSync(directory, { recursive: true })
    .map((name) => `${directory}/${name}`.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => [path, readFileSync(path, "utf8")]);
}

/** How a title stands in the document: without its numbers, and without what would end a cell. */
function plain(title) {
  return title.replaceAll("|", "¦").replace(/^(?:%s: )?(?:CTL-\d+,? )+/, "");
}

function label(path) {
  return `[${path.slice(5).replace(/(?:\.test)?\.ts$/, "")}](../${path}): `;
}

/** The last column of a row: files with the titles of their tests. */
function cell(tests) {
  const files = new Map();
  for (const { path, title } of tests) files.set(path, (files.get(path) ?? new Set()).add(plain(title)));
  return [...files].map(([path, titles]) => label(path) + [...titles].join("; ")).join("<br>");
}

/** Whether all that a column names exists, and at least one test. */
function isTrue(column, tests) {
  return column.split("<br>").every((part) => {
    const own = tests.filter(({ path }) => part.startsWith(label(path)));
    if (own.length === 0) return false;
    let rest = part.slice(label(own[0].path).length);
    const titles = own.map(({ title }) => plain(title)).sort((x, y) => y.length - x.length);
    for (const title of titles) rest = rest.replace(title, "");
    return rest.length < part.length - label(own[0].path).length && /^(?:; )*$/.test(rest);
  });
}

/** What is wrong with the document and the tests. */
export function judge(document, byNumber) {
  const problems = [];
  const seen = new Set();
  for (const line of document.split("\n")) {
    const row = ROW.exec(line);
    if (row === null) {
      if (/^\| CTL-/.test(line)) problems.push(`${DOCUMENT}: a row that cannot be read: ${line.slice(0, 60)}`);
      continue;
    }
    const number = Number(row[1]);
    if (number < 1 || number > LAST) problems.push(`${DOCUMENT}: there is no CTL-${number}`);
    if (seen.has(number)) problems.push(`${DOCUMENT}: CTL-${number} stands twice`);
    seen.add(number);
    if (row[2].trim() === "") problems.push(`${DOCUMENT}: CTL-${number} says nothing`);
    if (byNumber.has(number) && !isTrue(row[3], byNumber.get(number))) {
      problems.push(`${DOCUMENT}: CTL-${number} names a test that does not exist (--write mends it)`);
    }
  }
  for (let number = 1; number <= LAST; number++) {
    if (!seen.has(number)) problems.push(`${DOCUMENT}: CTL-${number} is missing`);
    if (!byNumber.has(number)) problems.push(`CTL-${number} has no test`);
  }
  for (const number of byNumber.keys()) if (number < 1 || number > LAST) problems.push(`a test shows CTL-${number}`);
  return problems;
}

export function conformance() {
  return judge(readFileSync(DOCUMENT, "utf8"), testsByNumber(testFiles()));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const byNumber = testsByNumber(testFiles());
  if (process.argv.includes("--write")) {
    const lines = readFileSync(DOCUMENT, "utf8").split("\n");
    const written = lines.map((line) => {
      const row = ROW.exec(line);
      return row === null
        ? line
        : `| CTL-${row[1]} | ${row[2]} | ${cell(byNumber.get(Number(row[1])) ?? []) || "(none yet)"} |`;
    });
    writeFileSync(DOCUMENT, written.join("\n"));
  }
  const problems = conformance();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
