// docs/ATTACKS.md lists attacks on the protocol and faults of its reference, each with the tests that perform it here.
// The rows are those of ROWS below, no more and no fewer. A test counts if its file has one with exactly that title which
// runs (not skipped, not commented out) and compares something; the files are parsed, not searched.

import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import ts from "typescript";

export const ATTACKS_DOCUMENT = "docs/ATTACKS.md";
const NOT_SHOWN = "not shown yet";
const ROW = /^\| ([A-Z]+\d*-\d+[a-z]?) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/;
const TEST = /^\[([\w/-]+)\]\(\.\.\/(test\/[\w/-]+\.test\.ts)\) — (.+)$/;

/** Rows by section of the protocol's documents: H what must be stricter than the reference, D and B its defects, R its
 * other holes, A attacks that cross sections. */
const ROWS = new Map(
  Object.entries({
    "04 §2.1": "H04-1",
    "04 §6.4": "R04-1 A-7",
    "05 §3": "H05-1",
    "05 §5.2": "H05-2",
    "05 §5.3": "H05-3 A-1",
    "05 §5.4": "H05-4",
    "05 §5.5": "H05-5a H05-5b H05-5c H05-5d H05-5e H05-5f R05-1",
    "05 §5.8": "H05-6a H05-6b H05-6c H05-6d",
    "05 §5.9": "H05-7a H05-7b",
    "05 §7": "H05-8",
    "06 §4": "H06-1",
    "06 §5": "H06-2a H06-2b H06-2c H06-2d",
    "06 §6": "H06-3a H06-3b",
    "06 §9": "H06-4 R06-1 R06-2",
    "07 §2": "R07-1",
    "07 §3.1": "R07-5",
    "07 §3.3": "H07-1",
    "07 §5.1": "H07-2",
    "07 §5.2": "H07-3",
    "07 §6.2": "H07-4",
    "07 §6.3": "H07-5 H07-6a H07-6b H07-6c H07-6d A-12",
    "07 §7": "R07-6",
    "07 §8.4": "H07-7 H07-8a H07-8b H07-8c A-14a A-14b A-14c A-14d A-14e",
    "07 §9.3": "H07-9",
    "07 §12.2": "A-2 A-3",
    "07 §12.3": "R07-2",
    "07 §12.4": "R07-3",
    "07 §12.5": "R07-4",
    "10 §1": "H10-1",
    "10 §5.3": "H10-2 R10-1 A-11 A-16",
    "10 §6": "H10-3 H10-4 R10-2",
    "03 §3.4": "R03-1",
    "08 §1.2": "D08-1",
    "08 §1.3": "D08-2",
    "08 §2.6": "R08-5 R08-6",
    "08 §2.9": "D08-3",
    "08 §6": "R08-7",
    "08 §3.1": "D08-4",
    "08 §3.2": "D08-5",
    "08 §3.5": "D08-6",
    "08 §4": "D08-7",
    "08 §4.1": "D08-8",
    "08 §5.2": "D08-9 R08-8 A-4",
    "08 §5.3": "R08-1 R08-2 A-6 A-18",
    "08 §5.4": "A-8 A-9 A-17",
    "08 §5.5": "D08-10 D08-11",
    "08 §5.6": "D08-12",
    "08 §7.1": "R08-3 R08-4 A-19",
    "08 §7.5": "D08-13",
    "08 §8.3": "D08-14",
    "08 §8.4": "D08-15 A-5",
    "08 §9.4": "D08-16 D08-17",
    "08 App. B": "B08-1 B08-2 B08-3 B08-4 B08-5 B08-6 B08-7 B08-8 B08-9 B08-10",
    "03 §2.2": "A-10a A-10b A-10c",
    "02 §5": "A-13 A-15",
    "02 §12.1": "A-20a A-20b",
  }).flatMap(([section, ids]) => ids.split(" ").map((id) => [id, section])),
);

/** Rows without a test so far: each is a debt, and goes from here with its test. */
const PENDING = new Set([]);

/** Titles of the tests in a file's text that run and compare something. */
export function livingTests(path, text) {
  const titles = new Set();
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const visit = (node) => {
    if (ts.isCallExpression(node)) {
      const chain = calleeChain(node.expression);
      const [root, ...members] = chain;
      const isOff = members.some((name) => ["skip", "todo", "fails", "skipIf", "runIf"].includes(name));
      if (root === "describe" && isOff) return;
      const [title, ...rest] = node.arguments;
      const body = rest.findLast((part) => ts.isArrowFunction(part) || ts.isFunctionExpression(part));
      if ((root === "test" || root === "it") && !isOff && body !== undefined && ts.isStringLiteralLike(title)) {
        if (compares(body)) titles.add(title.text);
        return;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return titles;
}

/** `test.each(rows)` → ["test", "each"]. */
function calleeChain(expression) {
  if (ts.isIdentifier(expression)) return [expression.text];
  if (ts.isPropertyAccessExpression(expression)) return [...calleeChain(expression.expression), expression.name.text];
  if (ts.isCallExpression(expression)) return calleeChain(expression.expression);
  if (ts.isTaggedTemplateExpression(expression)) return calleeChain(expression.tag);
  return [""];
}

function compares(node) {
  if (ts.isCallExpression(node) && /^expect/.test(calleeChain(node.expression)[0])) return true;
  return ts.forEachChild(node, (child) => compares(child) || undefined) === true;
}

/** How a title stands in the document. */
const inCell = (title) => title.replaceAll("|", "¦");

/** What is wrong with the document. `testsOf`: the titles of a file, or null where there is no such file. */
export function judgeAttacks(document, testsOf, rows = ROWS, pending = PENDING) {
  const problems = [];
  const seen = new Set();
  for (const line of document.split("\n")) {
    const row = ROW.exec(line);
    if (row === null) {
      if (/^\|\s*[A-Z]+\d*-\d/.test(line)) problems.push(`a row that cannot be read: ${line.slice(0, 60)}`);
      continue;
    }
    const [, id, section, attack, answer, cell] = row.map((part) => part.trim());
    if (!rows.has(id)) problems.push(`there is no ${id}`);
    else if (rows.get(id) !== section) problems.push(`${id} is of ${rows.get(id)}, not ${section}`);
    if (seen.has(id)) problems.push(`${id} stands twice`);
    seen.add(id);
    if (attack.length < 5 || answer.length < 5) problems.push(`${id} says nothing`);
    if (pending.has(id)) {
      if (cell !== NOT_SHOWN) problems.push(`${id} names a test, and is still owed`);
      continue;
    }
    for (const part of cell.split("<br>")) {
      const [, label, path, title] = TEST.exec(part.trim()) ?? [];
      if (path === undefined) {
        problems.push(`${id} names no test: ${part.slice(0, 60)}`);
        continue;
      }
      if (path !== `test/${label}.test.ts`) problems.push(`${id}: ${label} links to ${path}`);
      const titles = testsOf(path);
      if (titles === null) problems.push(`${id}: there is no ${path}`);
      else if (![...titles].some((name) => inCell(name) === title))
        problems.push(`${id}: ${path} has no test "${title}"`);
    }
  }
  for (const id of rows.keys()) if (!seen.has(id)) problems.push(`${id} is missing`);
  for (const id of pending) if (!rows.has(id)) problems.push(`${id} is owed, and no row`);
  return problems.map((problem) => `${ATTACKS_DOCUMENT}: ${problem}`);
}

export function attacks() {
  const known = new Map();
  return judgeAttacks(readFileSync(ATTACKS_DOCUMENT, "utf8"), (path) => {
    if (!known.has(path)) known.set(path, existsSync(path) ? livingTests(path, readFileSync(path, "utf8")) : null);
    return known.get(path);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const problems = attacks();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
