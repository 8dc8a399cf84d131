// A process that writes state until it is killed: `writer.mjs issuer|device PATH`. It prints a line for each change that
// was acknowledged.

import { writeSync } from "node:fs";
import { fileStorage } from "../../dist/store/file-storage-node.js";
import { openIssuerFile } from "../../dist/store/issuer-file-node.js";

const [kind, path] = process.argv.slice(2);
const say = (text) => writeSync(1, `${text}\n`);

if (kind === "issuer") {
  const state = await openIssuerFile(path);
  const { newest } = state.readLine("device", 1) ?? { newest: -1 };
  if (newest < 0) await state.startLine({ identity: "device", kind: "authenticated", serialNumber: 1, keepUntil: 2e9 });
  say("open");
  for (let sequenceNumber = Math.max(newest, 0); ; sequenceNumber++) {
    const next = await state.renewLine({ identity: "device", serialNumber: 1, sequenceNumber, keepUntil: 2e9 });
    say(next);
  }
} else {
  const storage = fileStorage(path);
  const content = await storage.load();
  let n = content === null ? 0 : new DataView(content.buffer, content.byteOffset).getUint32(0);
  say("open");
  for (;;) {
    n++;
    // Every byte follows from the number: a mixture of two states would show.
    const snapshot = new Uint8Array(20_000).fill(n & 255);
    new DataView(snapshot.buffer).setUint32(0, n);
    await storage.save(snapshot);
    say(n);
  }
}
