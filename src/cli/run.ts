// Runs a command line. Each command is loaded only when it runs, so that starting one costs little.

import type { Io } from "./io.ts";
import { UsageError } from "./options.ts";

const HELP = `tinymsl: Message Security Layer for constrained devices

  tinymsl serve --keys FILE [--host A] [--port N] [--cors ORIGIN] [--network tn|p2p] [--entity E] [--format LIST]
                [--keyx SCHEMES] [--state memory|file:DIR] [--fail ERROR[@n]] [--reauth entity|user[@n]] [--revoke IDENTITY]
                [--rotate-after N] [--token-life SEC[,RENEW_SEC]] [--service-token NAME=VALUE]
  tinymsl request URL --keys FILE --entity E [--keyx LIST|NONE] [--user U] [--body TEXT|@FILE] [--non-replayable]
                [--no-encrypt] [--format JSON|CBOR] [--repeat N] [--store FILE] [--peer E]
                [--network tn|p2p] [--keyx-support known|advertised|probe|probe-unauthenticated]
  tinymsl inspect [FILE|-] [--keys FILE] [--json]
  tinymsl vectors DIR
  tinymsl keygen [--psk ID]... [--rsa ID] [--ecc ID] [--user ID:EMAIL:PASSWORD] > FILE

  serve, request and vectors also take --core simd|mvp|js|auto and --compat reference.
  Entities: PSK:id, NONE:id. Key exchange: ECDH:X25519, SYMMETRIC_WRAPPED:PSK. User: EMAIL_PASSWORD:userid.
  Exit code: 0 all well, 1 a failure, 2 wrong usage.`;

type Command = (args: readonly string[], io: Io) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  request: async () => (await import("./request.ts")).request,
  inspect: async () => (await import("./inspect.ts")).inspect,
  vectors: async () => (await import("./vectors.ts")).vectorsCommand,
  keygen: async () => (await import("./keygen.ts")).keygen,
};

/** Runs a command line; the result is the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "help") {
    io.out(HELP);
    return 0;
  }
  if (name === "--version") {
    io.out((await import("./version.ts")).version());
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    io.err(
      name === undefined ? "tinymsl: a command is needed; see tinymsl --help" : `tinymsl: unknown command ${name}`,
    );
    return 2;
  }
  try {
    return await (await load())(rest, io);
  } catch (error) {
    io.err(`tinymsl ${name}: ${error instanceof Error ? error.message : "failed"}`);
    return error instanceof UsageError ? 2 : 1;
  }
}
