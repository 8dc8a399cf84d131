// The figures as one page that needs nothing else: a bar for each ratio on a logarithmic scale, its spread, its targets.

import { sizeText, summary, verdict } from "./table.mjs";

const WIDTH = 360;
const HEIGHT = 22;
const FROM = 0.08;
const TO = 50;

const encode = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (x) => Math.round(x * 10) / 10;

/** Place of a ratio on the scale. */
const at = (ratio) =>
  round((Math.log(Math.min(Math.max(ratio, FROM), TO) / FROM) / Math.log(TO / FROM)) * (WIDTH - 12) + 6);

function bar({ ratio, low, high, atLeast, aim }, state) {
  const middle = HEIGHT / 2;
  const [one, x] = [at(1), at(ratio)];
  const marks = [
    `<line class="one" x1="${one}" x2="${one}" y1="0" y2="${HEIGHT}"/>`,
    `<rect class="${state || "plain"}" x="${Math.min(one, x)}" y="5" width="${round(Math.max(Math.abs(x - one), 1))}" height="12" rx="2"/>`,
    `<line class="spread" x1="${at(low)}" x2="${at(high)}" y1="${middle}" y2="${middle}"/>`,
  ];
  if (atLeast !== null) {
    marks.push(`<line class="least" x1="${at(atLeast)}" x2="${at(atLeast)}" y1="1" y2="${HEIGHT - 1}"/>`);
    marks.push(`<path class="aim" d="M${at(aim)} ${middle - 5}l5 5l-5 5l-5 -5z"/>`);
  }
  const text = `${ratio.toFixed(2)} times, ${low.toFixed(2)} to ${high.toFixed(2)}`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text}"><title>${text}</title>${marks.join("")}</svg>`;
}

function axis() {
  const ticks = [0.1, 0.3, 1, 3, 10, 30].map(
    (ratio) =>
      `<line class="one" x1="${at(ratio)}" x2="${at(ratio)}" y1="15" y2="${HEIGHT}"/>` +
      `<text x="${at(ratio)}" y="11" text-anchor="middle">${ratio}×</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${ticks.join("")}</svg>`;
}

const WORDS = { aim: "reaches the aim", holds: "holds", below: "below", "": "" };

function line(entry) {
  const state = verdict(entry);
  const { ratio, low, high } = entry;
  const speed = (value) => value.toLocaleString("en");
  const cells = [
    `<th scope="row">${encode(entry.op)} <small>${sizeText(entry.bytes)}</small></th>`,
    `<td>${encode(entry.output)}</td><td>${encode(entry.peer)}</td>`,
    `<td class="bar">${bar(entry, state)}</td>`,
    `<td class="n"><b>${ratio.toFixed(2)}×</b> <small>${low.toFixed(2)}–${high.toFixed(2)}</small></td>`,
    `<td class="n">${entry.atLeast ?? ""}</td><td class="n">${entry.aim ?? ""}</td>`,
    `<td class="state ${state}">${WORDS[state]}</td>`,
    `<td class="n">${speed(entry.ours)}</td><td class="n">${speed(entry.theirs)}</td><td>${encode(entry.unit)}</td>`,
  ];
  return `<tr>${cells.join("")}</tr>`;
}

function section(title, entries) {
  if (entries.length === 0) return "";
  const head = ["operation", "output", "against", axis(), "ratio", "at least", "aim", "", "ours", "theirs", ""];
  const cells = head.map((text, i) => `<th scope="col"${i === 4 || i > 4 ? ' class="n"' : ""}>${text}</th>`);
  return `<h2>${title}</h2><div class="scroll"><table><thead><tr>${cells.join("")}</tr></thead><tbody>${entries
    .map(line)
    .join("\n")}</tbody></table></div>`;
}

function missingList(entries) {
  if (entries.length === 0) return "";
  const items = entries.map(
    ({ op, bytes, output, peer, missing }) =>
      `<li>${encode(`${op} ${sizeText(bytes)}`.trim())}, ${encode(output)} against ${encode(peer)}: ${encode(missing)}</li>`,
  );
  return `<h2>Not measured</h2><ul>${items.join("\n")}</ul>`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --faint: #667085; --rule: #d9dee7; --page: #fff; --aim: #0f766e;
  --holds: #2563a8; --below: #c2410c; --plain: #7a869a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --faint: #98a2b3; --rule: #333b49; --page: #12161d;
  --aim: #2dd4bf; --holds: #60a5fa; --below: #fb923c; --plain: #8b96a8; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto; max-width: 84rem;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { max-width: 46rem; margin: .4rem 0; } small, .note { color: var(--faint); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; white-space: nowrap; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; border-bottom: 1px solid var(--rule); font-weight: normal; }
thead th { color: var(--faint); font-size: .85rem; vertical-align: bottom; } .n { text-align: right; }
svg { display: block; width: ${WIDTH}px; height: ${HEIGHT}px; } svg text { font-size: 10px; fill: var(--faint); }
.one { stroke: var(--rule); } .spread { stroke: var(--ink); stroke-width: 1.5; } .least { stroke: var(--ink); stroke-width: 2; }
path.aim { fill: var(--page); stroke: var(--ink); } rect.aim { fill: var(--aim); } rect.holds { fill: var(--holds); }
rect.below { fill: var(--below); } rect.plain { fill: var(--plain); }
.state.aim { color: var(--aim); } .state.holds { color: var(--holds); } .state.below { color: var(--below); }
.key svg { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; }`;

const KEY = `<p class="note key">The bar goes from 1× to the median ratio, the thin line from the 10th to the 90th percentile
of the rounds. <svg viewBox="0 0 14 14"><line class="least" x1="7" x2="7" y1="0" y2="14"/></svg> at least
<svg viewBox="0 0 14 14"><path class="aim" d="M7 2l5 5l-5 5l-5 -5z"/></svg> aim</p>`;

/** The page for entries that are pairs with their rows, or with `missing`. */
export function htmlPage({ machine, node }, entries) {
  const measured = entries.filter((entry) => entry.missing === undefined);
  const withTarget = measured.filter((entry) => entry.atLeast !== null);
  const others = measured.filter((entry) => entry.atLeast === null);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>tinymsl core against its peers</title><style>${STYLE}</style></head><body>
<h1>tinymsl core against its peers</h1>
<p>${encode(machine)}, Node ${encode(node)}. A ratio is our speed over the peer's, copying in and out included.
<b>${encode(summary(entries))}</b></p>
${KEY}
${section("Targets", withTarget)}
${section("More pairs", others)}
${missingList(entries.filter((entry) => entry.missing !== undefined))}
</body></html>
`;
}
