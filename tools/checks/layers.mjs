// Who may import whom: a file imports only from a lower rank or its own folder, and nothing imports in a circle.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

export const RANKS = {
  errors: 0,
  platform: 0,
  encoding: 1,
  core: 1,
  transport: 1,
  crypto: 2,
  tokens: 3,
  store: 4,
  "entity-auth": 5,
  "user-auth": 5,
  "key-exchange": 5,
  message: 6,
  builder: 7,
  control: 8,
  profile: 9,
  streams: 9,
  "": 10,
  cli: 11,
  demo: 12,
};

export function sourceFiles(root, ending = ".ts") {
  return readdirSync(root).flatMap((name) => {
    const path = join(root, name);
    if (statSync(path).isDirectory()) return sourceFiles(path, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

/** Relative imports of a file's text, resolved from its path. */
export function importsOf(path, text) {
  const found = [];
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    found.push(normalize(join(dirname(path), match[1])));
  }
  return found;
}

/** Problems of one import; null if it is allowed. */
export function judge(root, from, to) {
  const folder = (path) => {
    const inside = relative(root, path);
    return inside.includes("/") ? inside.slice(0, inside.indexOf("/")) : "";
  };
  const [a, b] = [folder(from), folder(to)];
  if (!(a in RANKS)) return `${from}: the folder ${a} has no rank`;
  if (!(b in RANKS)) return `${from} imports ${to}, whose folder has no rank`;
  if (a === b || RANKS[b] < RANKS[a]) return null;
  return `${from} (rank ${RANKS[a]}) imports ${to} (rank ${RANKS[b]})`;
}

export function layers(root) {
  const problems = [];
  const graph = new Map();
  for (const path of sourceFiles(root)) {
    const targets = importsOf(path, readFileSync(path, "utf8"));
    graph.set(normalize(path), targets);
    for (const target of targets) {
      const problem = judge(root, normalize(path), target);
      if (problem !== null) problems.push(problem);
    }
  }
  return [...problems, ...cycles(graph)];
}

/** Import circles, type imports included. */
export function cycles(graph) {
  const state = new Map();
  const found = [];
  const visit = (node, trail) => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      found.push(`circle: ${[...trail.slice(trail.indexOf(node)), node].join(" → ")}`);
      return;
    }
    state.set(node, "open");
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    state.set(node, "done");
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}
