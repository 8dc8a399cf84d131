// What commands read from and write to: the process, or a test.

export interface Io {
  /** A line on standard output. */
  out(line: string): void;
  /** A line for people, on standard error. */
  err(line: string): void;
  readonly isTerminal: boolean;
  stdin(): Promise<Uint8Array>;
  /** Calls back once when the process is asked to stop. */
  onStop(stop: () => void): void;
}

// A reader that closes its end of the pipe early is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

export const processIo: Io = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  isTerminal: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  async stdin() {
    const parts: Uint8Array[] = [];
    for await (const part of process.stdin) parts.push(part as Uint8Array);
    return new Uint8Array(Buffer.concat(parts));
  },
  onStop(stop) {
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  },
};
