// Where node:crypto overtakes the core: `npm run bench:crossover`. Time of a call by size, core alone against the
// platform alone, for each operation; the sizes of src/platform/platform-crypto-node.ts are read off here.

import { randomBytes } from "node:crypto";
import { openBytes, SESSION_ENCRYPTION, SESSION_MAC, sealBytes } from "../dist/chunks/core.js";
import { loadCore, nodeCrypto, nodeEntropy } from "../dist/node.js";
import { median } from "./timing.mjs";

const SIZES = [64, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536];
const always = { ...nodeCrypto, encryptFrom: 0, decryptFrom: 0, macFrom: 0, sealFrom: 0, openFrom: 0 };

async function side(platform) {
  const core = await loadCore("auto", nodeEntropy, platform);
  const enc = core.importKey(SESSION_ENCRYPTION, new Uint8Array(16).fill(1));
  const mac = core.importKey(SESSION_MAC, new Uint8Array(32).fill(2));
  return {
    encrypt: (data) => core.cbcEncrypt(enc, data),
    decrypt: (_data, sealed) => core.cbcDecrypt(enc, sealed.subarray(0, 16), sealed.subarray(16, sealed.length - 32)),
    mac: (data) => core.hmacSign(mac, data),
    seal: (data) => sealBytes(core, enc, mac, data),
    open: (_data, sealed) => openBytes(core, enc, mac, sealed),
  };
}

const [core, platform] = [await side(null), await side(always)];
const rows = [];
for (const size of SIZES) {
  const data = new Uint8Array(randomBytes(size));
  const sealed = core.seal(data);
  const row = { bytes: size };
  for (const op of Object.keys(core)) {
    const calls = Math.max(4, Math.round(200_000 / (size + 1000)));
    const ratios = [];
    for (let round = 0; round < 31; round++) {
      const times = [core, platform].map((one) => {
        const start = process.hrtime.bigint();
        for (let i = 0; i < calls; i++) one[op](data, sealed);
        return Number(process.hrtime.bigint() - start);
      });
      ratios.push(times[0] / times[1]);
    }
    row[op] = Number(median(ratios).toFixed(2));
  }
  rows.push(row);
}
console.log("Time of the core over time of node:crypto; above 1 the platform is faster.");
console.table(rows);
