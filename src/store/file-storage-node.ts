// Device state in one file on Node, optionally encrypted at rest: AES-256-CBC and HMAC-SHA256 under keys derived from
// a 32-byte key by HKDF. The snapshot inside carries its own check sum and format number.

import { hkdfSync } from "node:crypto";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../core/core.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import { slotContext } from "../crypto/symmetric.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import { readFileOrNull, replaceFile } from "./atomic-file-node.ts";
import type { StateStorage } from "./snapshot-storage.ts";

export interface FileStorageOptions {
  /** Encrypts the file. 32 bytes, wiped. */
  readonly encryption?: { readonly core: Core; readonly key: Uint8Array } | null;
}

export function fileStorage(path: string, options: FileStorageOptions = {}): StateStorage {
  const encryption = options.encryption ?? null;
  if (encryption === null) return { load: () => readFileOrNull(path), save: (snapshot) => replaceFile(path, snapshot) };
  const { core, key } = encryption;
  const keys = new Uint8Array(hkdfSync("sha256", key, new Uint8Array(0), "tinymsl state file", 64));
  key.fill(0);
  const context = slotContext(core, {
    keyId: "",
    encryption: core.importKey(ENCRYPTION_KEY, keys.subarray(0, 32)),
    mac: core.importKey(MAC_KEY, keys.subarray(32)),
  });
  return {
    async load() {
      const file = await readFileOrNull(path);
      if (file === null) return null;
      const plain = file.length > 32 ? await openPair(context, file.subarray(32), file.subarray(0, 32)) : null;
      if (plain === null) throw new MslLocalError("STORE_CORRUPT");
      return plain;
    },
    async save(snapshot) {
      const { data, signature } = await sealPair(context, snapshot, "CBOR");
      const file = new Uint8Array(32 + data.length);
      file.set(signature);
      file.set(data, 32);
      await replaceFile(path, file);
    },
  };
}
