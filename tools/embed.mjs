// WebAssembly inside a JavaScript module, in the text form that is smallest after gzip: one character a byte, XORed with
// a constant, as UTF-8. The five characters that a string literal cannot hold, or that some readers of scripts change
// (NUL, line feed, carriage return, quote, backslash), are moved up by 256, which storing into bytes takes away again.
// Hex and base64 were measured against it: `node tools/embed.mjs FILE.wasm…` prints all of them.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const MOVED = new Set([0, 10, 13, 34, 92]);

function encode(bytes, key) {
  const codes = Array.from(bytes, (byte) => (MOVED.has(byte ^ key) ? (byte ^ key) + 256 : byte ^ key));
  return codes.map((code) => String.fromCharCode(code)).join("");
}

/** The constant with the shortest text; near enough to the one with the smallest gzip file, and found faster. */
function bestKey(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let key = 0; key < 256; key++) {
    const length = counts.reduce((sum, n, byte) => sum + n * (MOVED.has(byte ^ key) || (byte ^ key) > 127 ? 2 : 1), 0);
    if (length < least) {
      least = length;
      best = key;
    }
  }
  return best;
}

/** A module whose `coreBytes()` gives the bytes; ES5 but for `export`, so that any bundler passes it on. */
export function embed(bytes) {
  const key = bestKey(bytes);
  return (
    `var s="${encode(bytes, key)}";` +
    `export function coreBytes(){for(var b=new Uint8Array(${bytes.length}),i=0;i<b.length;i++)` +
    `b[i]=s.charCodeAt(i)^${key};return b}\n`
  );
}

export const EMBEDDED_TYPES = `/** The bytes of the WebAssembly build, for \`startCore\`; a new array each time. */
export declare function coreBytes(): Uint8Array;
`;

/** `[form, bytes, bytes after gzip -9]` of each text form. */
export function forms(bytes) {
  const escaped = Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 && !MOVED.has(byte)
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
  const texts = {
    binary: bytes,
    hex: Buffer.from(bytes).toString("hex"),
    base64: Buffer.from(bytes).toString("base64"),
    "escaped ASCII": escaped,
    "XORed UTF-8 module": embed(bytes),
  };
  return Object.entries(texts).map(([form, text]) => {
    const data = Buffer.from(text);
    return [form, data.length, gzipSync(data, { level: 9 }).length];
  });
}

export function describeForms(name, bytes) {
  return `${name} as text, after gzip: ${forms(bytes)
    .map(([form, , gzip]) => `${form} ${gzip}`)
    .join(", ")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const file of process.argv.slice(2)) console.log(describeForms(file, readFileSync(file)));
}
