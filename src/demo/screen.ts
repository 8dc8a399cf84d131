// How the demo looks: numbered steps, one line a message, colour on a terminal and plain text in a pipe.

import type { MessageReport } from "../control/api.ts";

const hasColour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;

function paint(code: number, text: string): string {
  return hasColour ? `\u001b[${code}m${text}\u001b[0m` : text;
}

export const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);
const green = (text: string) => paint(32, text);
const red = (text: string) => paint(31, text);
const cyan = (text: string) => paint(36, text);

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

export function stepTitle(n: number, title: string): void {
  print();
  print(bold(`${n}  ${title}`));
}

/** One message as the server saw it, with what rides inside. */
export function message(report: MessageReport): void {
  const arrow = report.direction === "in" ? "device → server" : "device ← server";
  const facts = [
    report.sequenceNumber === null
      ? `${report.entityScheme ?? "?"} authenticates`
      : `master token #${report.sequenceNumber}`,
    ...report.keyx.map((scheme) =>
      report.direction === "in" ? `${scheme} offer` : `${scheme} answer, new master token`,
    ),
    ...(report.userScheme === null ? [] : [`login by ${report.userScheme}`]),
    ...(report.hasUserIdToken ? ["user ID token"] : []),
    ...(report.nonReplayableId === null ? [] : [`non-replayable id ${report.nonReplayableId}`]),
  ];
  const what = report.error === null ? facts.join(", ") : red(`error ${report.error.code}`);
  print(`   ${cyan(arrow)}  ${report.format.padEnd(4)} ${String(report.bytes).padStart(5)} B  ${what}`);
}

export function fact(text: string): void {
  print(`   ${text}`);
}

export function note(text: string): void {
  print(dim(`   ${text}`));
}

export function passed(text: string): void {
  print(`   ${green("✓")} ${text}`);
}

export function failed(text: string): void {
  print(`   ${red("✗")} ${text}`);
}

/** A table with a left column of names and right-aligned numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("   ");
  print(`   ${bold(line(head))}`);
  for (const row of rows) print(`   ${line(row)}`);
}
