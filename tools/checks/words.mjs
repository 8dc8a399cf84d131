// Committed text names no registry host and no path of a machine.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const FORBIDDEN = [/registry\.npmjs/i, /deb\.debian\.org/i, /\/home\/\w+\//, /\/Users\/\w+\//, /\/work\/(main|shared)/];

export function wordsIn(path, text) {
  return FORBIDDEN.filter((word) => word.test(text)).map((word) => `${path}: ${word}`);
}

export function forbiddenWords() {
  const { stdout, status } = spawnSync("git", ["ls-files", "-z"], { encoding: "utf8" });
  // Outside a checkout there is nothing to list.
  if (status !== 0) return [];
  const files = stdout.split("\0").filter((path) => path !== "" && path !== "tools/checks/words.mjs");
  return files
    .filter((path) => !path.startsWith("test/vectors/"))
    .flatMap((path) => {
      try {
        return wordsIn(path, readFileSync(path, "utf8"));
      } catch {
        return [];
      }
    });
}
