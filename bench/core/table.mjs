// The table on the terminal, and what a row says about its targets.

const SIZES = [
  [1024 * 1024, "MiB"],
  [1024, "KiB"],
];

export function sizeText(bytes) {
  if (bytes === 0) return "";
  for (const [unit, name] of SIZES) if (bytes % unit === 0) return `${bytes / unit} ${name}`;
  return `${bytes} B`;
}

/** Whether a measured ratio reaches its targets: "aim", "holds", "below", or "" where there is none. */
export function verdict({ ratio, atLeast, aim }) {
  if (atLeast === null || ratio === undefined) return "";
  if (ratio >= aim) return "aim";
  return ratio >= atLeast ? "holds" : "below";
}

const COLUMNS = [
  ["op", (r) => r.op],
  ["size", (r) => sizeText(r.bytes)],
  ["output", (r) => r.output],
  ["peer", (r) => r.peer],
  ["ratio", (r) => r.ratio?.toFixed(2) ?? "missing"],
  ["low", (r) => r.low?.toFixed(2) ?? ""],
  ["high", (r) => r.high?.toFixed(2) ?? ""],
  ["at least", (r) => r.atLeast ?? ""],
  ["aim", (r) => r.aim ?? ""],
  ["", (r) => verdict(r)],
  ["ours", (r) => r.ours ?? ""],
  ["theirs", (r) => r.theirs ?? ""],
  ["unit", (r) => r.unit ?? r.missing],
];
const LEFT = new Set(["op", "output", "peer", "", "unit"]);

/** Lines of the table for entries that are pairs with their rows, or with `missing`. */
export function tableLines(entries) {
  const cells = [
    COLUMNS.map(([name]) => name),
    ...entries.map((entry) => COLUMNS.map(([, cell]) => String(cell(entry)))),
  ];
  // The last column may hold a sentence; it does not widen the table.
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) =>
    row
      .map((text, i) => {
        if (i === row.length - 1) return text;
        return LEFT.has(COLUMNS[i][0]) ? text.padEnd(widths[i]) : text.padStart(widths[i]);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** One sentence on how many targets are reached. */
export function summary(entries) {
  const verdicts = entries.map(verdict);
  const count = (text) => verdicts.filter((v) => v === text).length;
  const missing = entries.filter((entry) => entry.missing !== undefined).length;
  const targets = count("aim") + count("holds") + count("below");
  return `${count("aim") + count("holds")} of ${targets} measured targets hold, ${count("aim")} reach the aim; ${missing} rows are missing.`;
}
