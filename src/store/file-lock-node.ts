// A lock between processes of one machine: a file that only one can create. What a dead process left behind is broken.

import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { MslLocalError } from "../errors/msl-error.ts";

/** A holder needs milliseconds; one that is this old hangs, or its process number was given to another. */
const STALE_MS = 30_000;
const RETRY_MS = 5;

/** Runs `action` while no other process or caller holds the lock. @throws STORE_FAILED, what `action` throws */
export async function withFileLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${randomUUID()}`;
  for (;;) {
    if (await create(path, mine)) break;
    await breakIfStale(path);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  try {
    return await action();
  } finally {
    // A lock that was broken under us belongs to somebody else by now.
    if ((await contentOf(path)) === mine) await rm(path, { force: true });
  }
}

/** Names the lock only when its content is there: a holder killed at any moment leaves no lock that tells nothing. */
async function create(path: string, content: string): Promise<boolean> {
  const beside = `${path}.${randomUUID()}`;
  try {
    await writeFile(beside, content, { flag: "wx", mode: 0o600 });
    await link(beside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new MslLocalError("STORE_FAILED", null, null, error);
  } finally {
    await rm(beside, { force: true });
  }
}

/** Moves a stale lock away; only one of several that try succeeds, and a fresh lock that was caught comes back. */
async function breakIfStale(path: string): Promise<void> {
  const content = await contentOf(path);
  if (content === null || !(await isStale(path, content))) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await contentOf(aside)) !== content) await link(aside, path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "EEXIST")
      throw new MslLocalError("STORE_FAILED", null, null, error);
  } finally {
    await rm(aside, { force: true });
  }
}

async function isStale(path: string, content: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > STALE_MS) return true;
    const pid = Number(content.split(" ")[0]);
    // Its content was lost in a power cut, or is an older version's and still to come.
    if (!Number.isSafeInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | null)?.code;
}
