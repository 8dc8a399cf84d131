// Replaces a file so that a power cut at any byte leaves the old or the new content: write beside it, flush, rename,
// flush the folder.

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { MslLocalError } from "../errors/msl-error.ts";

/** @throws STORE_FAILED */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  try {
    const file = await open(beside, "w", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw new MslLocalError("STORE_FAILED", null, null, error);
  }
}

/** The content, or null if there is no such file. @throws STORE_FAILED */
export async function readFileOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw new MslLocalError("STORE_FAILED", null, null, error);
  }
}

/** @throws STORE_FAILED */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new MslLocalError("STORE_FAILED", null, null, error);
  }
}
