// The version of the package, from its package.json: two or three folders up, from a bundle or the sources.

import { readFileSync } from "node:fs";

export function version(): string {
  for (const up of ["../../package.json", "../package.json"]) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), "utf8");
      const found = JSON.parse(text) as { name?: string; version?: string };
      if (found.name === "tinymsl" && found.version !== undefined) return found.version;
    } catch {
      // Not there: look further up.
    }
  }
  return "unknown";
}
