// Before the tests: core.c is compiled as a Node addon, so that every test of the core and the scenarios also run
// natively.

import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
// @ts-expect-error: plain JavaScript
import { buildAddon } from "../tools/native.mjs";

export default function setup(): void {
  const path: string | null = buildAddon();
  if (path !== null) return;
  if (process.env.CI) throw new Error("CI needs a C compiler: core.c is not tested without one.");
  console.log(
    "No C compiler: core.c is not tested (with one, every test of the core and the scenarios run natively too).",
  );
  const stale = fileURLToPath(new URL("../dist/native/core.node", import.meta.url));
  if (existsSync(stale)) rmSync(stale);
}
