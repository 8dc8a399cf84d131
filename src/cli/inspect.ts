// `tinymsl inspect`: takes any MSL messages apart, every layer with offset and size, verified and decrypted where the
// keys of a key file allow.

import { readFileSync } from "node:fs";
import type { Io } from "./io.ts";
import { type InspectedMessage, inspectMessages } from "./inspect-message.ts";
import { printMessages } from "./inspect-print.ts";
import { readKeysFile } from "./keys-file.ts";
import { fail, parseOptions } from "./options.ts";

const SPEC = { keys: "value", json: "flag" } as const;

export async function inspect(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, SPEC, 1);
  const file = options.positional[0] ?? "-";
  const keysPath = options.get("keys");
  const keys = keysPath === null ? null : readKeysFile(keysPath);
  const bytes = file === "-" ? await io.stdin() : readInput(file);
  const { messages, failure } = await inspectMessages(bytes, keys);
  if (options.has("json")) io.out(JSON.stringify({ messages: messages.map(publicForm) }));
  else for (const line of printMessages(messages, io.isTerminal)) io.out(line);
  if (failure === null) return 0;
  io.err(`tinymsl inspect: ${failure}`);
  return 1;
}

function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return fail(`${path} cannot be read`);
  }
}

function publicForm(message: InspectedMessage): Record<string, unknown> {
  const { header, headerdata, payloads, budget } = message;
  return { header, headerdata, payloads, budget };
}
