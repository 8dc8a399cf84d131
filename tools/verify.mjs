// `npm run verify`: format, lint, types, build, the structural checks, tests. `--no-tests` leaves the tests out.

import { spawnSync } from "node:child_process";
import { attacks } from "./checks/attacks.mjs";
import { constantTime } from "./checks/constant-time.mjs";
import { conformance } from "./checks/conformance.mjs";
import { errorCodes } from "./checks/error-codes.mjs";
import { es5 } from "./checks/es5.mjs";
import { portability } from "./checks/portability.mjs";
import { fileSizes } from "./checks/file-sizes.mjs";
import { forbiddenWords } from "./checks/words.mjs";
import { layers } from "./checks/layers.mjs";
import { mvp } from "./checks/mvp.mjs";
import { outputSizes } from "./checks/output-sizes.mjs";
import { profiles } from "./checks/profiles.mjs";
import { reproducible } from "./checks/reproducible.mjs";
import { wasmExports } from "./checks/wasm-exports.mjs";
import { instructions } from "./instructions.mjs";

const withTests = !process.argv.includes("--no-tests");
let failures = 0;

function command(name, bin, args) {
  const { status } = spawnSync(process.execPath, [bin, ...args], { stdio: "inherit" });
  report(name, status === 0 ? [] : [`exit code ${status}`]);
}

function report(name, problems) {
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${name}`);
  for (const problem of problems) console.log(`     ${problem}`);
  failures += problems.length;
}

const TSC = "node_modules/typescript/bin/tsc";
const BIOME = "node_modules/@biomejs/biome/bin/biome";
command("format", BIOME, ["format", "."]);
command("lint", BIOME, ["lint", "--error-on-warnings", "."]);
command("types of the host", TSC, ["-p", "tsconfig.json", "--noEmit"]);
command("types of the portable host", TSC, ["-p", "tsconfig.portable.json"]);
command("types of the core", TSC, ["-p", "assembly/tsconfig.json"]);
command("types of the tests", TSC, ["-p", "test/tsconfig.json"]);
command("build", "tools/build.mjs", []);
report("import ranks", layers("src"));
report("portability", portability());
report("file sizes", fileSizes(["src", "assembly", "test", "tools", "bench"]));
report("exports of the core", await wasmExports());
report("profiles of the core", profiles());
report("features of the MVP builds", mvp());
report("ECMAScript 5 of what has no WebAssembly", es5());
report("sizes of the outputs", outputSizes());
report("data flow of secrets", constantTime());
report("instructions of core.c", instructions());
report("the same bytes from a second build", await reproducible());
report("statements of the protocol and their tests", conformance());
report("attacks and their tests", attacks());
report("error codes and their tests", errorCodes());
report("words that do not belong", forbiddenWords());
if (withTests) command("tests", "node_modules/vitest/vitest.mjs", ["run"]);
process.exitCode = failures === 0 ? 0 : 1;
