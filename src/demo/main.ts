// `npm start`: a server and a device exchange protected messages, shown live. `npm start -- --serve` keeps a server
// running and says how to talk to it.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processIo } from "../cli/io.ts";
import { serve } from "../cli/serve.ts";
import { loadCoreExplained } from "../core/core-node.ts";
import { bold, note, print } from "./screen.ts";
import { runSteps } from "./steps.ts";
import { DEVICE, DemoWorld, makeKeys } from "./world.ts";

async function demo(): Promise<number> {
  const start = performance.now();
  const { core, why } = await loadCoreExplained("auto");
  print(bold("tinymsl: a trusted server and a device, talking MSL over plain HTTP"));
  note(`core: ${why}, started in ${(performance.now() - start).toFixed(1)} ms`);
  const keys = await makeKeys();
  const world = new DemoWorld(keys.file, core);
  try {
    await world.startServer();
    note(`server: ${world.url}`);
    await runSteps(world);
    print();
    print(bold(`All nine steps hold (${((performance.now() - start) / 1000).toFixed(1)} s).`));
    note("npm start -- --serve keeps a server running to try the tinymsl command against.");
    return 0;
  } catch (error) {
    print(`tinymsl demo: ${error instanceof Error ? error.message : "failed"}`);
    return 1;
  } finally {
    await world.close();
  }
}

async function keepServing(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "tinymsl-"));
  const path = join(folder, "keys.json");
  const { text } = await makeKeys();
  writeFileSync(path, text, { mode: 0o600 });
  const io = {
    ...processIo,
    out(line: string) {
      processIo.out(line);
      const { listening } = JSON.parse(line) as { listening?: string };
      if (listening === undefined) return;
      processIo.err("Try in another terminal:");
      processIo.err(`  npx tinymsl request ${listening} --keys ${path} --entity PSK:${DEVICE} \\`);
      processIo.err("    --keyx ECDH:X25519 --user EMAIL_PASSWORD:alice --body hello");
    },
  };
  return serve(["--keys", path], io);
}

process.exitCode = await (process.argv.includes("--serve") ? keepServing() : demo());
