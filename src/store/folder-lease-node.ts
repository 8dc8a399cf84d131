// A folder that one process at a time works in. The holder's lock file names it and is touched while it lives; what a
// dead process left behind, or one that has not been heard of for a while, is taken over.

import { randomUUID } from "node:crypto";
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { MslLocalError } from "../errors/msl-error.ts";
import { withFileLock } from "./file-lock-node.ts";

const TOUCH_MS = 10_000;
/** A holder on another machine, or one whose start nobody can tell, counts as dead after this time. */
const STALE_MS = 45_000;

export interface FolderLease {
  /** @throws STORE_IN_USE when the folder was taken over meanwhile */
  check(): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
}

/** Leases of this thread. */
const held = new Set<string>();

/** @throws STORE_IN_USE while another holder lives, STORE_FAILED */
export async function leaseFolder(folder: string): Promise<FolderLease> {
  const path = join(folder, "lock");
  const mine = [process.pid, await startOf(process.pid), hostname(), randomUUID()].join(" ");
  await withFileLock(`${path}.lock`, async () => {
    if (await isHeld(path)) throw new MslLocalError("STORE_IN_USE");
    try {
      await writeFile(path, mine, { mode: 0o600 });
    } catch (error) {
      throw new MslLocalError("STORE_FAILED", null, null, error);
    }
  });
  held.add(mine);
  const isOurs = async () => (await textOf(path)) === mine;
  const timer = setInterval(async () => {
    const now = new Date();
    if (await isOurs()) await utimes(path, now, now).catch(() => {});
  }, TOUCH_MS);
  timer.unref();
  return {
    async check() {
      if (!(await isOurs())) throw new MslLocalError("STORE_IN_USE");
    },
    async release() {
      clearInterval(timer);
      held.delete(mine);
      if (await isOurs()) await rm(path, { force: true });
    },
  };
}

async function isHeld(path: string): Promise<boolean> {
  const content = await textOf(path);
  if (content === null || content === "") return false;
  if (held.has(content)) return true;
  const [pid, start, host] = content.split(" ");
  if (host === hostname()) {
    const now = await startOf(Number(pid));
    if (now === null) return false;
    // The same number at another time is another process.
    if (now !== "?") return now === start;
    if (Number(pid) === process.pid) return false;
  }
  return (await ageMs(path)) < STALE_MS;
}

/** When a process of this machine began, in the system's own ticks; "?" where that is not told, null if it is not there. */
async function startOf(pid: number): Promise<string | null> {
  const status = await textOf(`/proc/${pid}/stat`);
  if (status !== null) {
    // The second field is a name in brackets, which may hold anything; the third is the state, the 22nd the start.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? "?");
  }
  try {
    process.kill(pid, 0);
    return "?";
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH" ? null : "?";
  }
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}
