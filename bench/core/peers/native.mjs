// Peers in C, if their libraries are there: a small program for each, compiled when first asked for, measures itself.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Missing } from "../missing.mjs";

const LIBRARIES = { mbedtls: "-lmbedcrypto", bearssl: "-lbearssl" };

/** Compiles the peer's program; `folder` is removed when the process ends. */
function compile(peer) {
  const folder = mkdtempSync(join(tmpdir(), "tinymsl-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const source = fileURLToPath(new URL(`../native/${peer}.c`, import.meta.url));
  const program = join(folder, peer);
  const { status } = spawnSync("cc", ["-O2", "-o", program, source, LIBRARIES[peer]], { stdio: "ignore" });
  if (status !== 0) throw new Missing(`no C compiler, or no ${peer} with headers (optional)`);
  return program;
}

function start(peer, op) {
  const child = spawn(compile(peer), [], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const waiting = [];
  lines.on("line", (line) => waiting.shift().resolve(Number(line)));
  child.on("exit", () => {
    for (const { reject } of waiting) reject(new Error(`${peer} ended`));
  });
  return {
    timed: (calls) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${op} ${calls}\n`);
      }),
    differs: true,
    close: () => child.kill(),
  };
}

const both = (peer) => ({
  "p256-ecdh": () => start(peer, "p256-ecdh"),
  x25519: () => start(peer, "x25519"),
});
export const mbedtls = both("mbedtls");
export const bearssl = both("bearssl");
