// Writes assembly/cipher/aes-simd-tables.gen.ts: the nibble tables of AES by vector permute (Hamburg, CHES 2009).
// A byte b of AES's field is held as i·t + j·t̄ with i, j in GF(2^4) and t² + t = 1/a, packed as nibbles (i, k = i + j).
// `node tools/gen-aes-simd.mjs`; the constants below are free choices, the rest follows from FIPS 197.

import { writeFileSync } from "node:fs";

function mul(a, b) {
  let r = 0;
  for (; b > 0; b >>= 1) {
    if (b & 1) r ^= a;
    a = (a << 1) ^ (a & 128 ? 0x11b : 0);
  }
  return r;
}

const bytes = Array.from({ length: 256 }, (_, i) => i);
const inverse = bytes.map((x) => (x === 0 ? 0 : bytes.find((y) => mul(x, y) === 1)));

// GF(2^4) inside GF(2^8): β with β⁴ = β + 1; a nibble's bits are coefficients of 1, β, β², β³.
const beta = bytes.find((x) => x > 1 && mul(mul(x, x), mul(x, x)) === (x ^ 1));
const embed = bytes.slice(0, 16).map((n) => {
  let r = 0;
  for (let k = 0, p = 1; k < 4; k++, p = mul(p, beta)) if ((n >> k) & 1) r ^= p;
  return r;
});
const nibbleOf = new Map(embed.map((x, n) => [x, n]));
// The first a for which t² + t + 1/a has its roots outside GF(2^4).
let a = 0;
let t = 0;
for (const n of bytes.slice(1, 16)) {
  const root = bytes.find((x) => !nibbleOf.has(x) && (mul(x, x) ^ x) === inverse[embed[n]]);
  if (a === 0 && root !== undefined) {
    a = embed[n];
    t = root;
  }
}
const toTower = new Array(256);
for (let i = 0; i < 16; i++)
  for (let j = 0; j < 16; j++) toTower[mul(embed[i], t) ^ mul(embed[j], t ^ 1)] = (i << 4) | (i ^ j);
const fromTower = bytes.map((x) => toTower.indexOf(x));

/** The linear part of the S-box, FIPS 197 §5.1.1, and its inverse. */
function affine(x) {
  let r = 0;
  for (const s of [0, 1, 2, 3, 4]) r ^= ((x << s) | (x >> (8 - s))) & 255;
  return r;
}
const unaffine = (y) => bytes.find((x) => affine(x) === y);

const nibbles = bytes.slice(0, 16);
const INFINITY = 0x80;
const inv = nibbles.map((n) => (n === 0 ? INFINITY : nibbleOf.get(inverse[embed[n]])));
const aInv = nibbles.map((n) => (n === 0 ? INFINITY : nibbleOf.get(mul(a, inverse[embed[n]]))));
/** Tables of a linear map on bytes: by low and by high nibble. */
const linear = (f) => [nibbles.map((n) => f(n)), nibbles.map((n) => f(n << 4))];
// 1/x is u·cu + w·cw, where u and w are the inverses of the two nibbles that the inversion ends with.
const cu = mul(t ^ mul(1 ^ a, t ^ 1), inverse[a]);
const cw = mul(mul(1 ^ a, t) ^ t ^ 1, inverse[a]);
/** Tables of a linear map on 1/x. */
const behind = (f) => [cu, cw].map((c) => nibbles.map((n) => f(mul(c, inverse[embed[n]]))));
const sbox = (m) => behind((x) => toTower[mul(m, affine(x))]);
const dbox = (m) => behind((x) => toTower[unaffine(mul(m, x))]);
/** Byte permutation that turns row r of a turned block, its bytes 4·r to 4·r + 3, by `sign` · r columns. */
const rows = (sign) => nibbles.map((p) => (p & 12) | ((p + sign * (p >> 2)) & 3));

const tables = {
  INV: inv,
  A_INV: aInv,
  LOW: nibbles.map(() => 15),
  IN_LO: linear((x) => toTower[x])[0],
  IN_HI: linear((x) => toTower[x])[1],
  OUT_LO: linear((x) => fromTower[x])[0],
  OUT_HI: linear((x) => fromTower[x])[1],
  S1_U: sbox(1)[0],
  S1_W: sbox(1)[1],
  S2_U: sbox(2)[0],
  S2_W: sbox(2)[1],
  ROWS: rows(1),
  BACK: rows(-1),
  TURN: nibbles.map((p) => 4 * (p & 3) + (p >> 2)),
  D_IN_LO: linear((x) => toTower[unaffine(x)])[0],
  D_IN_HI: linear((x) => toTower[unaffine(x)])[1],
  D14_U: dbox(14)[0],
  D14_W: dbox(14)[1],
  D11_U: dbox(11)[0],
  D11_W: dbox(11)[1],
  D13_U: dbox(13)[0],
  D13_W: dbox(13)[1],
  D9_U: dbox(9)[0],
  D9_W: dbox(9)[1],
  D1_U: behind((x) => x)[0],
  D1_W: behind((x) => x)[1],
  // Big-endian words.
  BYTES_BACK: nibbles.map((p) => p ^ 3),
  M1: nibbles.map(() => 0x55),
  M2: nibbles.map(() => 0x33),
  M4: nibbles.map(() => 0x0f),
  ...Object.fromEntries(nibbles.slice(0, 8).map((k) => [`BIT_${k}`, nibbles.map(() => 1 << k)])),
};

// Text of the module.
const names = Object.keys(tables);
const lines = names.map((n) => `  ${tables[n].join(", ")},`).join("\n");
const offsets = names.map((n, i) => `export const ${n}: i32 = ${16 * i};`).join("\n");
writeFileSync(
  "assembly/cipher/aes-simd-tables.gen.ts",
  `// Made by tools/gen-aes-simd.mjs: nibble tables and byte permutations of 16 bytes each, at these offsets.

export const TABLES: usize = ASC_FEATURE_SIMD ? memory.data<u8>([
${lines}
], 16) : 0;

${offsets}
`,
);
