// Head of a stored record: seven letters that say which kind, and one byte of version.

export const RECORD_HEAD = 8;

export function recordHead(magic: string, version: number): Uint8Array {
  const head = Uint8Array.from(magic, (character) => character.charCodeAt(0));
  return Uint8Array.of(...head, version);
}

/** The version of a record of that kind, or null for other bytes. */
export function recordVersion(record: Uint8Array, magic: string): number | null {
  for (let i = 0; i < RECORD_HEAD - 1; i++) if (record[i] !== magic.charCodeAt(i)) return null;
  return record[RECORD_HEAD - 1] ?? null;
}
