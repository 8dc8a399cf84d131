// State on disk and the processes that write it: killed at any moment they have lost nothing that they acknowledged,
// and an issuer's folder has one process at a time.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileStorage } from "../../src/store/file-storage-node.ts";
import { openIssuerFile } from "../../src/store/issuer-file-node.ts";
import { start } from "./issuer-state-suite.ts";

const ROUNDS = 12;

let folder: string;
const running: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinymsl-writer-"));
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A writer that has the state open; `killed` ends it and gives what it acknowledged. */
async function writer(kind: "issuer" | "device", path: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "writer.mjs"), kind, path]);
  running.push(child);
  let out = "";
  let errors = "";
  child.stderr.on("data", (text) => (errors += text));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const said = (lines: number) =>
    new Promise<void>((resolve, reject) => {
      const look = () => out.split("\n").length > lines && resolve();
      child.stdout.on("data", (text) => {
        out += text;
        look();
      });
      child.on("close", () => reject(new Error(errors)));
      look();
    });
  await said(1);
  return {
    said,
    async killed(): Promise<number[]> {
      child.kill("SIGKILL");
      await ended;
      const lines = out.split("\n");
      return lines.slice(1, -1).map(Number);
    },
  };
}

test("an issuer killed while it writes has every change that it acknowledged, and the next one goes on", async () => {
  let before = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const process = await writer("issuer", folder);
    await process.said(2 + 3 * round);
    const acknowledged = await process.killed();
    expect(acknowledged[0]).toBe(before + 1);
    const state = await openIssuerFile(folder);
    const line = await state.readLine("device", 1);
    await state.close();
    const last = acknowledged.at(-1)!;
    // The change under way when it was killed may be there or not.
    expect([last, last + 1]).toContain(line!.newest);
    before = line!.newest;
  }
});

test("a device killed while it saves has its last saved state or the one under way, whole", async () => {
  const path = join(folder, "device.state");
  for (let round = 0; round < ROUNDS; round++) {
    const process = await writer("device", path);
    await process.said(2 + round);
    const last = (await process.killed()).at(-1)!;
    const content = (await fileStorage(path).load())!;
    const n = new DataView(content.buffer, content.byteOffset).getUint32(0);
    expect([last, last + 1]).toContain(n);
    expect(content.length).toBe(20_000);
    expect(content.subarray(4).every((byte) => byte === (n & 255))).toBe(true);
    // Its lock, if it held one, is broken at once.
    const storage = fileStorage(path);
    await storage.load();
    await storage.save(content);
  }
});

describe("an issuer's folder", () => {
  const inUse = { code: "STORE_IN_USE" };
  const lock = () => join(folder, "lock");

  test("is refused while a process has it open, and free when that one is gone", async () => {
    const other = await writer("issuer", folder);
    await expect(openIssuerFile(folder)).rejects.toMatchObject(inUse);
    await other.killed();
    const state = await openIssuerFile(folder);
    await expect(openIssuerFile(folder)).rejects.toMatchObject(inUse);
    await state.close();
    expect(existsSync(lock())).toBe(false);
    await (await openIssuerFile(folder)).close();
  });

  test("is given back when the state cannot be read", async () => {
    writeFileSync(join(folder, "issuer.state"), "not a state");
    await expect(openIssuerFile(folder)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(existsSync(lock())).toBe(false);
  });

  test("of a machine that is not heard of any more is taken over, and the former holder writes nothing after that", async () => {
    const former = await openIssuerFile(folder);
    await start(former, "device", 1);
    const holder = readFileSync(lock(), "utf8");
    writeFileSync(lock(), holder.replace(` ${hostname()} `, " another-machine "));
    await expect(openIssuerFile(folder)).rejects.toMatchObject(inUse);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock(), longAgo, longAgo);
    const state = await openIssuerFile(folder);
    await expect(start(former, "device", 2)).rejects.toMatchObject(inUse);
    await expect(former.close()).resolves.toBeUndefined();
    await start(state, "device", 3);
    await state.close();
    const again = await openIssuerFile(folder);
    expect((await again.readLines("device")).map((line) => line.serialNumber)).toEqual([3]);
    await again.close();
  });

  test("of a process whose number another one has by now is taken over", async () => {
    if (!existsSync("/proc/self/stat")) return expect(process.platform).not.toBe("linux");
    writeFileSync(lock(), `${process.ppid} 1 ${hostname()} earlier`);
    await (await openIssuerFile(folder)).close();
  });
});
