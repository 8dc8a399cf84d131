// Writes the field and scalar arithmetic of P-256, straight-line code over limbs in locals, once for 64-bit integers
// and once for doubles: `node tools/gen-p256.mjs`. What the functions mean and why they cannot overflow is said in the
// heads of the files they are written to.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const range = (n, from = 0) => Array.from({ length: n }, (_, i) => from + i);

/** x^-1 mod m for a power of two m. */
function inverse(x, m) {
  let y = 1n;
  for (let i = 0; i < 10; i++) y = (((y * (2n - x * y)) % m) + m) % m;
  return y;
}

// Products of two vectors of names: columns as lists of terms.
const product = (a, b) =>
  range(2 * a.length - 1).map((k) =>
    range(a.length)
      .filter((i) => k - i >= 0 && k - i < b.length)
      .map((i) => `${a[i]} * ${b[k - i]}`),
  );

/** Columns of a square; `d` names the doubled limbs. */
const square = (a, d) =>
  range(2 * a.length - 1).map((k) =>
    range(a.length)
      .filter((i) => k - i >= i && k - i < a.length)
      .map((i) => (2 * i === k ? `${a[i]} * ${a[i]}` : `${d[i]} * ${a[k - i]}`)),
  );

/** The functions, the same for both forms of a limb; `form` writes loads, reductions and stores. */
function functions(form) {
  const n = form.limbs;
  const all = range(n);
  const names = (letter) => all.map((i) => `${letter}${i}`);
  const load = (letter, ptr) => all.map((i) => `  const ${letter}${i} = ${form.load(ptr, i)};`);
  const define = (letter, expression, kind = "const") => all.map((i) => `  ${kind} ${letter}${i} = ${expression(i)};`);
  const doubled = (letter, of, indent = "  ") =>
    range(n - 1).map((i) => `${indent}const ${letter}${i} = ${of}${i} + ${of}${i};`);
  const columns = (terms, indent = "  ") => terms.map((list, k) => `${indent}let c${k} = ${list.join(" + ")};`);
  const end = (options) => form.reduce(options);
  const fn = (doc, name, args, ...body) => [
    ...doc.map((line, i) =>
      doc.length === 1 ? `/** ${line} */` : `${i === 0 ? "/**" : " *"} ${line}${i === doc.length - 1 ? " */" : ""}`,
    ),
    `export function ${name}(${args.map((arg) => `${arg}: usize`).join(", ")}): void {`,
    ...body.flat(),
    "}",
    "",
  ];
  const [a, b, f, g, u, v] = ["a", "b", "f", "g", "u", "v"].map(names);
  const four = form.times(4);
  const eight = form.times(8);
  return [
    fn(
      ["out = a * b. Operands: sums or differences of two settled elements, or limbs as they come from bytes."],
      "feMul",
      ["out", "a", "b"],
      load("a", "a"),
      load("b", "b"),
      columns(product(a, b)),
      end({}),
    ),
    fn(
      ["out = a * b - c, folded."],
      "feMulSub",
      ["out", "a", "b", "c"],
      load("a", "a"),
      load("b", "b"),
      columns(product(a, b)),
      end({ fold: true, add: (i) => `- ${form.load("c", i)}` }),
    ),
    // A loop around straight-line code: the limbs stay in locals from one square to the next.
    [
      "/** out = a^(2^times), times >= 1. */",
      "export function feSquareTimes(out: usize, a: usize, times: i32): void {",
      ...define("a", (i) => form.load("a", i), "let"),
      "  for (; times > 0; times--) {",
      ...doubled("d", "a", "    "),
      ...columns(square(a, names("d")), "    "),
      ...form.reduce({ into: "a" }).map((line) => `  ${line}`),
      "  }",
      ...all.map((i) => `  ${form.store("out", i, `a${i}`)}`),
      "}",
      "",
    ],
    fn(
      ["out = a^2."],
      "feSquare",
      ["out", "a"],
      load("a", "a"),
      doubled("d", "a"),
      columns(square(a, names("d"))),
      end({}),
    ),
    fn(
      ["Doubling: out = alpha = 3 * (x - delta) * (x + delta)."],
      "feDoubleAlpha",
      ["out", "x", "delta"],
      load("f", "x"),
      load("g", "delta"),
      define("u", (i) => form.triple(`f${i} - g${i}`)),
      define("v", (i) => `f${i} + g${i}`),
      columns(product(u, v)),
      end({}),
    ),
    fn(
      ["Doubling: out = x3 = alpha^2 - 8 * beta, folded."],
      "feDoubleX",
      ["out", "alpha", "beta"],
      load("a", "alpha"),
      doubled("d", "a"),
      columns(square(a, names("d"))),
      end({ fold: true, add: (i) => `- ${eight(form.load("beta", i))}` }),
    ),
    fn(
      ["Doubling: out = z3 = (y + z)^2 - gamma - delta = 2 * y * z, folded."],
      "feDoubleZ",
      ["out", "y", "z", "gamma", "delta"],
      define("a", (i) => `${form.load("y", i)} + ${form.load("z", i)}`),
      doubled("d", "a"),
      columns(square(a, names("d"))),
      end({ fold: true, add: (i) => `- ${form.load("gamma", i)} - ${form.load("delta", i)}` }),
    ),
    fn(
      ["Doubling: out = y3 = alpha * (4 * beta - x3) - 8 * gamma^2, one reduction for both products."],
      "feDoubleY",
      ["out", "alpha", "beta", "x3", "gamma"],
      load("a", "alpha"),
      define("b", (i) => `${four(form.load("beta", i))} - ${form.load("x3", i)}`),
      load("g", "gamma"),
      doubled("d", "g"),
      product(a, b).map(
        (list, k) => `  let c${k} = ${list.join(" + ")} - ${eight(`(${square(g, names("d"))[k].join(" + ")})`)};`,
      ),
      end({}),
    ),
    fn(
      ["Addition: out = x3 = r^2 - h3 - 2 * v, folded."],
      "feAddX",
      ["out", "r", "v", "h3"],
      load("a", "r"),
      doubled("d", "a"),
      columns(square(a, names("d"))),
      end({ fold: true, add: (i) => `- ${form.load("h3", i)} - ${form.times(2)(form.load("v", i))}` }),
    ),
    fn(
      ["Addition: out = y3 = r * (v - x3) - y * h3, one reduction for both products."],
      "feAddY",
      ["out", "r", "v", "x3", "y", "h3"],
      load("a", "r"),
      define("b", (i) => `${form.load("v", i)} - ${form.load("x3", i)}`),
      load("f", "y"),
      load("g", "h3"),
      product(a, b).map((list, k) => `  let c${k} = ${list.join(" + ")} - (${product(f, g)[k].join(" + ")});`),
      end({}),
    ),
    fn(
      ["out = a * b / R mod n: scalars, Montgomery form where the caller says so."],
      "scMul",
      ["out", "a", "b"],
      load("a", "a"),
      load("b", "b"),
      columns(product(a, b)),
      form.reduceScalar(),
    ),
  ].flat();
}

// --- 64-bit integers: nine limbs of 29 bits ---------------------------------------------------------------------

const INTEGER = {
  limbs: 9,
  load: (ptr, i) => (i === 0 ? `(load<i32>(${ptr}) as i64)` : `(load<i32>(${ptr}, ${4 * i}) as i64)`),
  store: (ptr, i, value) =>
    i === 0 ? `store<i32>(${ptr}, ${value} as i32);` : `store<i32>(${ptr}, ${value} as i32, ${4 * i});`,
  triple: (x) => `3 * (${x})`,
  times: (k) => (x) => `(${x} << ${Math.log2(k)})`,

  reduce({ fold = false, add = () => "", into = null }) {
    const lines = [];
    const h = (k) => {
      // m_k - 8 m_(k-1) + 64 m_(k-2): what 2^192, 2^224 and 2^256 of p bring to column k + 6.
      const m = (i) => (i >= 0 && i <= 8 ? `m${i}` : null);
      let text = m(k - 2) === null ? null : `(${m(k - 2)} << 3)`;
      if (m(k - 1) !== null) text = text === null ? `-${m(k - 1)}` : `(${text} - ${m(k - 1)})`;
      if (text !== null) text = text.startsWith("-") ? `-(${text.slice(1)} << 3)` : `(${text} << 3)`;
      if (m(k) !== null)
        text = text === null ? m(k) : text.startsWith("-") ? `(${m(k)} - ${text.slice(1)})` : `(${text} + ${m(k)})`;
      return text === null ? "" : text.startsWith("-") ? ` - (${text.slice(1)} << 18)` : ` + (${text} << 18)`;
    };
    const low = (i) => (i >= 3 ? ` + (m${i - 3} << 9)` : "") + (i >= 6 ? h(i - 6) : "");
    for (let i = 0; i < 9; i++) {
      // The carry comes last in the sum: all else is there before it.
      if (i > 0) lines.push(`  c${i} = c${i}${low(i)} + (c${i - 1} >> 29);`);
      lines.push(`  const m${i} = c${i} & MASK;`);
    }
    for (let j = 0; j < 9; j++) {
      const column = j < 8 ? `c${9 + j}` : "";
      const terms = `${h(j + 3)}${j + 6 <= 8 ? ` + (m${j + 6} << 9)` : ""}${j === 0 ? " + (c8 >> 29)" : ""}${add(j) === "" ? "" : ` ${add(j)}`}`;
      const sum = `${column}${terms}`.replace(/^ \+ /, "").replace(/^ - /, "-") || "0";
      lines.push(`  let r${j}: i64 = ${sum}${j < 8 ? " + HALF" : ""};`);
    }
    return [...lines, ...this.settle(fold, into)];
  },

  reduceScalar() {
    const words = range(9).map((i) => (N >> BigInt(29 * i)) & 0x1fffffffn);
    const lines = [];
    for (let i = 0; i < 9; i++) {
      if (i > 0)
        lines.push(
          `  c${i} += (c${i - 1} >> 29)${range(i)
            .map((j) => ` + m${j} * ${words[i - j]}`)
            .join("")};`,
        );
      lines.push(`  const m${i} = ((c${i} & MASK) * ${(2n ** 29n - inverse(N, 2n ** 29n)) % 2n ** 29n}) & MASK;`);
      lines.push(`  c${i} += m${i} * ${words[0]};`);
    }
    for (let j = 0; j < 9; j++) {
      const terms = range(9)
        .filter((i) => 9 + j - i < 9 && 9 + j - i >= 0)
        .map((i) => ` + m${i} * ${words[9 + j - i]}`)
        .join("");
      lines.push(
        j < 8 ? `  let r${j} = c${9 + j}${terms}${j === 0 ? " + (c8 >> 29)" : ""} + HALF;` : "  let r8: i64 = 0;",
      );
    }
    return [...lines, ...this.settle(false, null)];
  },

  /** Columns with HALF added (but the last) to limbs. */
  settle(fold, into) {
    const lines = [];
    if (fold) {
      lines.push(
        "  const q = (r8 + (r7 >> 29) + 0x800000) >> 24;",
        "  r0 += q;",
        "  r3 -= q << 9;",
        "  r6 -= q << 18;",
        "  r7 += q << 21;",
        "  r8 -= q << 24;",
      );
    }
    for (let i = 1; i < 9; i++) lines.push(`  r${i} += r${i - 1} >> 29;`);
    for (let i = 0; i < 9; i++) {
      const value = i < 8 ? `(r${i} & MASK) - HALF` : "r8";
      lines.push(into === null ? `  ${this.store("out", i, `(${value})`)}` : `  ${into}${i} = ${value};`);
    }
    return lines;
  },
};

const INTEGER_HEAD = `// Field and scalars of P-256 over nine signed limbs of 29 bits (radix 2^29, R = 2^261), held in memory as i32 and
// multiplied in i64; Montgomery form. Generated by tools/gen-p256.mjs: change it there.
//
// Settled element, what every function here leaves: |limb| <= 2^28 for limbs 0..7; limb 8 takes what the value needs,
// |limb 8| <= V * 2^24 + 1 for |value| <= V * 2^256.
// Reduction: p = -1 mod 2^96, so the digit that clears column i is the column's low 29 bits m, and m * p adds
// m * 2^96 (2^9 at limb 3), m * 2^192 (2^18 at limb 6), -m * 2^224 (2^21 at limb 7), m * 2^256 (2^24 at limb 8).
// Values: a product of elements |a| <= A * 2^256, |b| <= B * 2^256 leaves -AB/32 * 2^256 < out < (1 + AB/32) * 2^256.
// "Folded": the nearest multiple of p by the top bits is taken off, |value| <= 0.51 * 2^256.
// Point formulas keep X, Z folded and Y below 2 * 2^256, so all operands stay below 16 * 2^256 and limb 8 below 2^28.
// Columns: products of sums 9 * 2^29 * 2^29 < 2^61.2; feDoubleAlpha 3 * 9 * 2^58 < 2^62.8; feDoubleY
// 9 * (5 + 8) * 2^56 < 2^62.9; feAddY 9 * (2 + 1) * 2^56; scMul 9 * 2^58 twice < 2^62.2. The digits of a reduction add
// less than 2^29 * 73 * 2^18 < 2^54 and a carry 2^34: every column stays below 2^63.
// No secret decides a branch, an index or a loop bound.

import { loadBe32, storeBe32 } from "../bytes";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = 40;

const MASK: i64 = 0x1fffffff;
const HALF: i64 = 0x10000000;
`;

const INTEGER_TAIL = `/** out = a + b, limb by limb. */
export function feAdd(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < 36; i += 4) store<i32>(out + i, load<i32>(a + i) + load<i32>(b + i));
}

/** out = a - b, limb by limb. */
export function feSub(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < 36; i += 4) store<i32>(out + i, load<i32>(a + i) - load<i32>(b + i));
}

/** a = -a where \`mask\` is -1, a where it is 0. */
export function feNegate(a: usize, mask: i32): void {
  for (let i = 0; i < 36; i += 4) store<i32>(a + i, (load<i32>(a + i) ^ mask) - mask);
}

/** Limbs of 32 big-endian bytes: 0 <= limb < 2^29. */
export function limbsFromBytes(out: usize, src: usize): void {
  let held: u64 = 0;
  let bits = 0;
  let at = out;
  for (let i = 28; i >= 0; i -= 4) {
    held |= (loadBe32(src + i) as u64) << bits;
    bits += 32;
    store<i32>(at, (held & 0x1fffffff) as i32);
    held >>= 29;
    bits -= 29;
    at += 4;
  }
  store<i32>(at, held as i32);
}

/** 32 big-endian bytes of the value mod 2^256; -1 if the value is negative, else 0. |value| < 2^256 */
export function limbsToBytes(out: usize, a: usize): i32 {
  let held: i64 = 0;
  let bits = 0;
  let carry: i64 = 0;
  let at = out + 28;
  for (let i = 0; i < 36; i += 4) {
    carry += load<i32>(a + i) as i64;
    held |= (carry & MASK) << bits;
    bits += 29;
    carry >>= 29;
    // Eight words of 32 bits come out of nine limbs: from the second limb on, one each.
    if (i > 0) {
      storeBe32(at, held as u32);
      held = (held >>> 32) as i64;
      bits -= 32;
      at -= 4;
    }
  }
  return carry as i32;
}
`;

// --- doubles: twelve limbs of 22 bits ---------------------------------------------------------------------------

/** 1.5 * 2^(52 + bits) as a literal of a double. */
const magic = (bits) => `${1.5 * 2 ** (52 + bits)}`.replace("e+", "e").replace(/^(\d+)$/, "$1.0");

const DOUBLE = {
  limbs: 12,
  load: (ptr, i) => (i === 0 ? `load<f64>(${ptr})` : `load<f64>(${ptr}, ${8 * i})`),
  store: (ptr, i, value) => (i === 0 ? `store<f64>(${ptr}, ${value});` : `store<f64>(${ptr}, ${value}, ${8 * i});`),
  triple: (x) => `3.0 * (${x})`,
  times: (k) => (x) => `${k}.0 * ${x}`,

  reduce({ fold = false, add = () => "", into = null }) {
    const lines = [];
    // Offsets of p's powers in limbs, with the power of two that is left.
    const parts = [
      [4, 256],
      [8, 65536],
      [10, -16],
      [11, 16384],
    ];
    const digits = (k) =>
      parts
        .filter(([offset]) => k - offset >= 0 && k - offset < 12)
        .map(([offset, factor]) => ` ${factor < 0 ? "-" : "+"} ${Math.abs(factor)}.0 * m${k - offset}`)
        .join("");
    for (let i = 0; i < 12; i++) {
      if (i > 0) lines.push(`  c${i} = c${i}${digits(i)} + t${i - 1} * SHIFT;`);
      lines.push(`  const t${i} = c${i} + ROUND - ROUND;`, `  const m${i} = c${i} - t${i};`);
    }
    for (let j = 0; j < 12; j++) {
      const terms = `${j < 11 ? `c${12 + j}` : ""}${digits(12 + j)}${j === 0 ? " + t11 * SHIFT" : ""}${add(j) === "" ? "" : ` ${add(j)}`}`;
      lines.push(`  let r${j}: f64 = ${terms.replace(/^ \+ /, "").replace(/^ - /, "-") || "0"};`);
    }
    return [...lines, ...this.settle(fold, into)];
  },

  reduceScalar() {
    const words = range(12).map((i) => (N >> BigInt(22 * i)) & 0x3fffffn);
    const negated = (2n ** 22n - inverse(N, 2n ** 22n)) % 2n ** 22n;
    const lines = [];
    for (let i = 0; i < 12; i++) {
      if (i > 0)
        lines.push(
          `  c${i} += t${i - 1} * SHIFT${range(i)
            .map((j) => ` + m${j} * ${words[i - j]}.0`)
            .join("")};`,
        );
      lines.push(
        `  const l${i} = (c${i} - (c${i} + ROUND - ROUND)) * ${negated}.0;`,
        `  const m${i} = l${i} - (l${i} + ROUND - ROUND);`,
      );
      lines.push(`  const t${i} = c${i} + m${i} * ${words[0]}.0;`);
    }
    for (let j = 0; j < 12; j++) {
      const terms = range(12)
        .filter((i) => 12 + j - i < 12 && 12 + j - i >= 0)
        .map((i) => ` + m${i} * ${words[12 + j - i]}.0`)
        .join("");
      lines.push(
        j < 11 ? `  let r${j} = c${12 + j}${terms}${j === 0 ? " + t11 * SHIFT" : ""};` : "  let r11: f64 = 0;",
      );
    }
    return [...lines, ...this.settle(false, null)];
  },

  settle(fold, into) {
    const lines = [];
    if (fold) {
      lines.push(
        "  const q = (r11 + r10 * SHIFT + ROUND14 - ROUND14) * SHIFT14;",
        "  r0 += q;",
        "  r4 -= 256.0 * q;",
        "  r8 -= 65536.0 * q;",
        "  r10 += 16.0 * q;",
        "  r11 -= 16384.0 * q;",
      );
    }
    // Two chains side by side, each half as long; limb 6 then takes one carry more.
    for (let i = 0; i < 6; i++) {
      for (const k of [i, i + 6]) {
        if (k === 11) continue;
        lines.push(`  const e${k} = r${k} + ROUND - ROUND;`, `  r${k} -= e${k};`, `  r${k + 1} += e${k} * SHIFT;`);
      }
    }
    lines.push("  const e11 = r6 + ROUND - ROUND;", "  r6 -= e11;", "  r7 += e11 * SHIFT;");
    for (let i = 0; i < 12; i++)
      lines.push(into === null ? `  ${this.store("out", i, `r${i}`)}` : `  ${into}${i} = r${i};`);
    return lines;
  },
};

const DOUBLE_HEAD = `// Field and scalars of P-256 over twelve signed limbs of 22 bits (R = 2^264) held as doubles, for core.js, where 64-bit
// integers are emulated; Montgomery form. The twin of p256-field.i64.gen.ts. Generated by tools/gen-p256.mjs: change it
// there.
//
// Every value is an integer below 2^53, so sums and products are exact. Adding and subtracting 1.5 * 2^(52+w) rounds to
// a multiple of 2^w. Settled element: |limb| <= 2^21 + 2^8 for limbs 0..10; limb 11 takes what the value needs.
// Reduction: p = -1 mod 2^96, so the digit that clears column i is what rounding leaves of it, |m| <= 2^21, and m * p
// adds m * 2^96 (2^8 at limb 4), m * 2^192 (2^16 at limb 8), -m * 2^224 (2^4 at limb 10), m * 2^256 (2^14 at limb 11).
// Values: a product of elements |a| <= A * 2^256, |b| <= B * 2^256 leaves |out| < (0.51 + AB/256) * 2^256.
// Folded values and the values of points: as in the twin, so |limb 11| < 2^18.
// Columns: products of sums 12 * 2^22 * 2^22 < 2^47.6; feDoubleAlpha 3 * 2^47.6; feDoubleY 12 * (5 + 8) * 2^42 < 2^49.4;
// scMul 2^47.6 with m * n below 12 * 2^43: all far below 2^53.
// No secret decides a branch, an index or a loop bound.

import { loadBe32 } from "../bytes";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = 96;

/** 1.5 * 2^(52+22) and 2^-22; for the fold 1.5 * 2^52 (the quotient itself is rounded) and 2^-14. */
const ROUND: f64 = ${magic(22)};
const SHIFT: f64 = ${2 ** -22};
const ROUND14: f64 = ${magic(14)};
const SHIFT14: f64 = ${2 ** -14};
`;

const DOUBLE_TAIL = `/** out = a + b, limb by limb. */
export function feAdd(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < 96; i += 8) store<f64>(out + i, load<f64>(a + i) + load<f64>(b + i));
}

/** out = a - b, limb by limb. */
export function feSub(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < 96; i += 8) store<f64>(out + i, load<f64>(a + i) - load<f64>(b + i));
}

/** a = -a where \`mask\` is -1, a where it is 0. */
export function feNegate(a: usize, mask: i32): void {
  const sign = (1 + mask + mask) as f64;
  for (let i = 0; i < 96; i += 8) store<f64>(a + i, load<f64>(a + i) * sign);
}

/** Limbs of 32 big-endian bytes: 0 <= limb < 2^22. */
export function limbsFromBytes(out: usize, src: usize): void {
  for (let i = 0; i < 12; i++) {
    // Bits 22i..22i+21 lie in the four bytes that end with the byte of the lowest of them; the last limb has 14 bits.
    const bit = 22 * i;
    const last = 31 - (bit >> 3);
    const word = last >= 3 ? loadBe32(src + last - 3) : loadBe32(src) >> ((3 - last) << 3);
    store<f64>(out + (i << 3), ((word >> (bit & 7)) & 0x3fffff) as i32 as f64);
  }
}

/** 32 big-endian bytes of the value mod 2^256; -1 if the value is negative, else 0. |value| < 2^256 */
export function limbsToBytes(out: usize, a: usize): i32 {
  let held = 0;
  let bits = 0;
  let carry = 0;
  let at = 31;
  for (let i = 0; i < 12; i++) {
    carry += load<f64>(a + (i << 3)) as i32;
    // The last limb counts from 2^242: 14 bits to 2^256.
    const width = i < 11 ? 22 : 14;
    held |= (carry & ((1 << width) - 1)) << bits;
    carry >>= width;
    for (bits += width; bits >= 8; bits -= 8) {
      store<u8>(out + at, held);
      held >>= 8;
      at--;
    }
  }
  return carry;
}
`;

const file = (head, form, tail) => `${head}\n${functions(form).join("\n")}${tail}`;

export const FILES = new Map([
  ["assembly/ec/p256-field.i64.gen.ts", file(INTEGER_HEAD, INTEGER, INTEGER_TAIL)],
  ["assembly/ec/p256-field.f64.gen.ts", file(DOUBLE_HEAD, DOUBLE, DOUBLE_TAIL)],
]);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, text] of FILES) writeFileSync(path, text);
}
