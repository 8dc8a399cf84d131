// Runs the command inside the test, with its output captured.

import { run } from "../../src/cli/run.ts";

/** @returns the exit code, and the lines of both outputs */
export async function tinymsl(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    isTerminal: false,
    stdin: async () => new Uint8Array(0),
    onStop() {},
  };
  const code = await run(args, io);
  return { code, out, err, json: () => out.map((line) => JSON.parse(line)) };
}
