// Device state in one file on Node, replaced as a whole. A writer that has not seen what the file holds is refused:
// comparing and replacing happen under a lock file that is held for that moment only.

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Core } from "../core/core.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import { readFileOrNull, replaceFile } from "./atomic-file-node.ts";
import { encryptedStorage } from "./encrypted-storage.ts";
import { withFileLock } from "./file-lock-node.ts";
import type { ClearableStorage } from "./snapshot-storage.ts";

export interface FileStorageOptions {
  /** Encrypts the file. 32 bytes, wiped. */
  readonly encryption?: { readonly core: Core; readonly key: Uint8Array } | null;
}

export function fileStorage(path: string, options: FileStorageOptions = {}): ClearableStorage {
  const encryption = options.encryption ?? null;
  const file = plainFile(path);
  return encryption === null ? file : encryptedStorage(file, encryption);
}

function plainFile(path: string): ClearableStorage {
  /** SHA-256 of the content that was loaded or saved last. */
  let known: string | null = null;
  return {
    async load() {
      const content = await readFileOrNull(path);
      known = digestOf(content);
      return content;
    },
    save: (snapshot) =>
      withFileLock(`${path}.lock`, async () => {
        if (digestOf(await readFileOrNull(path)) !== known) throw new MslLocalError("STORE_CONFLICT");
        await replaceFile(path, snapshot);
        known = digestOf(snapshot);
      }),
    clear: () =>
      withFileLock(`${path}.lock`, async () => {
        try {
          await rm(path, { force: true });
          await rm(`${path}.new`, { force: true });
        } catch (error) {
          throw new MslLocalError("STORE_FAILED", null, null, error);
        }
        known = null;
      }),
  };
}

function digestOf(content: Uint8Array | null): string | null {
  return content === null ? null : createHash("sha256").update(content).digest("base64");
}
