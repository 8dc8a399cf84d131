// 100 seals of 1 KiB in a fresh process: `node cold.mjs ours|noble OUTPUT` prints the milliseconds from before the modules
// are imported to after the last seal. Ours is a user's start: the core is found, compiled, and given its keys.

const [who, output] = process.argv.slice(2);
const data = new Uint8Array(1024).fill(7);
const key = new Uint8Array(16).fill(1);
const macKey = new Uint8Array(32).fill(2);
const SEALS = 100;

async function ours() {
  const { loadCore } = await import("../../dist/node.js");
  const { ENCRYPTION_KEY, MAC_KEY } = await import("../../dist/chunks/core.js");
  const core = await loadCore(output);
  const encryption = core.importKey(ENCRYPTION_KEY, key);
  const mac = core.importKey(MAC_KEY, macKey);
  for (let i = 0; i < SEALS; i++) core.hmacSign(mac, core.cbcEncrypt(encryption, data).ciphertext);
}

async function noble() {
  const { cbc } = await import("@noble/ciphers/aes.js");
  const { hmac } = await import("@noble/hashes/hmac.js");
  const { sha256 } = await import("@noble/hashes/sha2.js");
  const { randomBytes } = await import("@noble/hashes/utils.js");
  for (let i = 0; i < SEALS; i++) hmac(sha256, macKey, cbc(key, randomBytes(16)).encrypt(data));
}

const start = process.hrtime.bigint();
await (who === "ours" ? ours() : noble());
console.log(Number(process.hrtime.bigint() - start) / 1e6);
