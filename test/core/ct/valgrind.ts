// Runs the scenarios of test/core/native/secrets.c under valgrind and reads its reports: each is a branch, an address
// or a jump that depends on bytes marked secret, with the functions it happened in.

import { spawnSync } from "node:child_process";

/** Functions of a report, innermost first: `cipher/aes-cbc/cbcDecrypt`. */
export type Report = readonly string[];

export const hasValgrind = spawnSync("valgrind", ["--version"]).status === 0;

export function scenariosOf(program: string): string[] {
  return spawnSync(program, [], { encoding: "utf8" }).stdout.trim().split("\n");
}

const ESCAPES: readonly [RegExp, string][] = [
  [/^w2c_core_(assembly0x2F)?/, ""],
  [/0x2F/g, "/"],
  [/0x2D/g, "-"],
  [/0x2E/g, "."],
  [/\.(part|constprop|isra)\.\d+/g, ""],
];

const readable = (name: string) => ESCAPES.reduce((text, [from, to]) => text.replace(from, to), name);

/** @throws if the program failed in another way than by reports */
export function reportsOf(program: string, scenario: string): Report[] {
  const options = ["--error-exitcode=9", "--num-callers=16", "--error-limit=no", "--quiet"];
  const run = spawnSync("valgrind", [...options, program, scenario], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0 && run.status !== 9) throw new Error(`${scenario}: ${run.status} ${run.stderr.slice(0, 500)}`);
  const blocks = run.stderr.replace(/^==\d+== ?/gm, "").split(/^(?=Conditional|Use of|Syscall|Invalid|Jump)/m);
  return blocks
    .filter((block) => /^(Conditional|Use of|Syscall|Invalid|Jump)/.test(block))
    .map((block) =>
      [...block.matchAll(/^ +(?:at|by) 0x[0-9A-F]+: (\S+)/gm)]
        .map((match) => readable(match[1]!))
        .filter((name) => !/^(i32|i64|f64|v128)_|memcpy/.test(name)),
    );
}
