// Writes the field and scalar arithmetic of P-256 over limbs in locals, straight-line code but for what is called seldom:
// `node tools/gen-p256.mjs`. What the functions mean and why they cannot overflow is said in the head of the file they are
// written to.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { range } from "./gen-p256-common.mjs";
import { INTEGER, INTEGER_HEAD, INTEGER_TAIL } from "./gen-p256-integer.mjs";

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

/** The functions; `form` writes loads, reductions and stores of limbs. */
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
    `export function ${name}(${args.map((arg) => `${arg}: ${arg === "shift" ? "i32" : "usize"}`).join(", ")}): void {`,
    ...body.flat(),
    "}",
    "",
  ];
  const [a, b, g, u, v] = ["a", "b", "g", "u", "v"].map(names);
  const limbwise = (sign) =>
    all.map((i) => `  ${form.store("out", i, `(${form.load("a", i)} ${sign} ${form.load("b", i)})`)}`);
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
      ["out = (a + b)^2 - 2^shift * c - d, folded; shift 0..3."],
      "feSquareSub",
      ["out", "a", "b", "shift", "c", "d"],
      form.prepareShift,
      define("a", (i) => `${form.load("a", i)} + ${form.load("b", i)}`),
      doubled("d", "a"),
      columns(square(a, names("d"))),
      end({ fold: true, add: (i) => `- ${form.shifted(form.load("c", i))} - ${form.load("d", i)}` }),
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
      [
        "Addition: out = y3 = r * (v - x3) - y * h3, one reduction for both products; in a loop, for additions are few.",
      ],
      "feAddY",
      ["out", "r", "v", "x3", "y", "h3"],
      define("b", (i) => `${form.load("v", i)} - ${form.load("x3", i)}`),
      load("g", "h3"),
      form.products([`const x = ${form.limb("r")};`, `const z = ${form.limb("y")};`], (k) => `x * b${k} - z * g${k}`),
    ),
    fn(["out = a + b, limb by limb."], "feAdd", ["out", "a", "b"], limbwise("+")),
    fn(["out = a - b, limb by limb."], "feSub", ["out", "a", "b"], limbwise("-")),
    fn(
      ["out = a * b / R mod n: scalars, Montgomery form where the caller says so."],
      "scMul",
      ["out", "a", "b"],
      form.scalarProduct(),
    ),
  ].flat();
}

const file = (head, form, tail) => `${head}\n${functions(form).join("\n")}${tail}`;

export const FILES = new Map([["assembly/ec/p256-field.i64.gen.ts", file(INTEGER_HEAD, INTEGER, INTEGER_TAIL)]]);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, text] of FILES) writeFileSync(path, text);
}
