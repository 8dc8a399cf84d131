// Our side of a pair: each operation on an output's raw exports, copying in and out included; keys in slots.

import * as abi from "../../dist/chunks/core.js";
import { Missing } from "./missing.mjs";
import { ok, Raw, rawExports } from "./raw.mjs";

/** SHA-2 of any size by the exports with this prefix. */
function digest(core, prefix, size, data) {
  const begin = core.need(`${prefix}Begin`);
  const feed = core.need(`${prefix}Feed`);
  const end = core.need(`${prefix}End`);
  const step = abi.STAGE_SIZE - 64;
  return () => {
    ok(begin());
    for (let i = 0; i < data.length; i += step) {
      const part = data.subarray(i, i + step);
      ok(feed(core.put(part), part.length));
    }
    ok(end(core.out));
    return core.get(core.out, size);
  };
}

const RAW = {
  "cbc-encrypt"(core, input) {
    const encrypt = core.need("aesCbcEncrypt");
    const slot = core.aes(input);
    const { iv, data } = input;
    return () => {
      const length = ok(encrypt(slot, core.put(iv), core.put(data, 16), data.length, core.out));
      return core.get(core.out, length);
    };
  },
  "cbc-decrypt"(core, input) {
    const decrypt = core.need("aesCbcDecrypt");
    const slot = core.aes(input);
    const { iv, ciphertext } = input;
    return () => {
      const length = ok(decrypt(slot, core.put(iv), core.put(ciphertext, 16), ciphertext.length, core.out));
      return core.get(core.out, length);
    };
  },
  "hmac-sha256"(core, input) {
    const sign = core.need("hmacSha256Sign");
    const slot = core.hmac(input);
    const { data } = input;
    return () => {
      ok(sign(slot, core.put(data), data.length, core.out));
      return core.get(core.out, 32);
    };
  },
  sha256: (core, { data }) => digest(core, "sha256", 32, data),
  sha384: (core, { data }) => digest(core, "sha384", 48, data),
  seal(core, input) {
    const seal = core.need("sealCbcHmac");
    const [enc, mac] = [core.aes(input), core.hmac(input)];
    const { iv, data } = input;
    core.needRoom(data.length + 64);
    // In place: the sealed message begins where the iv stood.
    return () => {
      const ptr = core.put(data, 16);
      const length = ok(seal(enc, mac, core.put(iv), ptr, data.length, core.in));
      return core.get(core.in, length);
    };
  },
  "seal-4"(core, input) {
    const seal = core.need("seal4CbcHmac");
    const [enc, mac] = [core.aes(input), core.hmac(input)];
    const { iv, data } = input;
    core.needRoom(4 * (data.length + 16));
    return () => {
      for (let i = 0; i < 4; i++) {
        core.put(iv, 16 * i);
        core.put(data, 64 + i * data.length);
      }
      const length = ok(seal(enc, mac, core.in, core.in + 64, data.length, core.out));
      return core.get(core.out, 4 * length);
    };
  },
  open(core, input) {
    const open = core.need("openCbcHmac");
    const [enc, mac] = [core.aes(input), core.hmac(input)];
    const { iv, ciphertext, tag } = input;
    core.needRoom(ciphertext.length + 48);
    const sealed = new Uint8Array(Buffer.concat([iv, ciphertext, tag]));
    return () => {
      const length = ok(open(enc, mac, core.put(sealed), sealed.length, core.in));
      return core.get(core.in, length);
    };
  },
  x25519(core, { privateKey, publicKey }) {
    const agree = core.need("x25519Agree");
    const slot = core.key(abi.KEY_X25519, abi.USE_DERIVE, privateKey);
    // The secret stays in a slot; clearing that is part of the call.
    return agreement(core, () => agree(slot, core.put(publicKey), abi.USE_DERIVE | abi.USE_EXPORT));
  },
  "p256-ecdh"(core, { privateKey, peerPublicKey }) {
    const agree = core.need("p256Agree");
    const slot = ok(core.x.p256Import(abi.USE_DERIVE, core.put(privateKey)));
    const usage = abi.USE_DERIVE | abi.USE_EXPORT;
    return agreement(core, () => agree(slot, core.put(peerPublicKey), peerPublicKey.length, usage));
  },
  "p256-keygen"(core) {
    const generate = core.need("p256Generate");
    const run = () => {
      core.refill(128);
      core.x.slotClear(ok(generate(abi.USE_DERIVE, core.out)));
      return core.get(core.out, 65);
    };
    run.differs = true;
    return run;
  },
  "ecdsa-sign"(core, { privateKey, message }) {
    const sign = core.need("ecdsaP256Sign");
    const digest = core.need("sha256Digest");
    const slot = ok(core.x.p256Import(abi.USE_SIGN, core.put(privateKey)));
    return () => {
      ok(digest(core.put(message), message.length, core.in));
      return core.get(core.in + 64, ok(sign(slot, core.in, core.in + 64)));
    };
  },
  "ecdsa-verify"(core, { publicKey, message, signature }) {
    const verify = core.need("ecdsaP256Verify");
    const digest = core.need("sha256Digest");
    return () => {
      ok(digest(core.put(message), message.length, core.in));
      const pub = core.put(publicKey, 64);
      return verify(pub, 65, core.in, 32, core.put(signature, 192), 64) === abi.OK;
    };
  },
  "rsa2048-private"(core, { parts, message }) {
    const sign = core.need("rsaPkcs1Sign");
    const digest = core.need("sha256Digest");
    const { n, p, q } = parts;
    const ptrs = [core.put(n), core.put(p, 256), core.put(q, 384)];
    const slot = ok(core.x.rsaImportPrimes(ptrs[0], 256, 65537, ptrs[1], 128, ptrs[2], 128, abi.USE_SIGN));
    return () => {
      ok(digest(core.put(message), message.length, core.in));
      return core.get(core.in + 64, ok(sign(slot, core.in, core.in + 64)));
    };
  },
  "rsa2048-verify"(core, { parts, message, signature }) {
    const verify = core.need("rsaPkcs1Verify");
    const digest = core.need("sha256Digest");
    return () => {
      ok(digest(core.put(message), message.length, core.in));
      return verify(core.put(parts.n, 64), 256, 65537, core.in, core.put(signature, 320), 256) === abi.OK;
    };
  },
  modexp2048(core, { exponent, base }) {
    const agree = core.need("dhAgreeSession");
    const room = core.in + 512;
    core.refill(abi.ENTROPY_POOL_SIZE);
    const x = core.put(exponent);
    const slot = ok(core.x.dhImport(abi.DH_GROUP14, core.in, 0, core.in, 0, x, 256, abi.USE_DERIVE, room));
    const step = () => {
      ok(agree(slot, core.put(base), 256, abi.USE_EXPORT | abi.USE_ENCRYPT, abi.USE_EXPORT | abi.USE_SIGN, room));
      return [core.memory[room], core.memory[room + 4]];
    };
    const run = () => {
      for (const key of step()) core.x.slotClear(key);
    };
    run.result = () => {
      const keys = step().map((key) => core.get(core.in, ok(core.x.slotExport(key, core.in))));
      return Buffer.concat(keys);
    };
    return run;
  },
};

/** Runs an agreement into a slot and clears it; `result` takes the secret out for the comparison. */
function agreement(core, agree) {
  const run = () => {
    core.x.slotClear(ok(agree()));
  };
  run.result = () => {
    const slot = ok(agree());
    const secret = core.get(core.out, ok(core.x.slotExport(slot, core.out)));
    core.x.slotClear(slot);
    return secret;
  };
  return run;
}

/** The bridge with the platform's cryptography from its measured size on, as a Node server runs it. */
async function autoTask(op, { key, macKey, iv, data, ciphertext, tag }) {
  const { loadCore, nodeCrypto, nodeEntropy } = await import("../../dist/node.js");
  const { openParts, sealParts, SESSION_ENCRYPTION, SESSION_MAC } = await import("../../dist/chunks/core.js");
  const core = await loadCore("auto", nodeEntropy, nodeCrypto);
  const enc = core.importKey(SESSION_ENCRYPTION, Uint8Array.from(key));
  const mac = core.importKey(SESSION_MAC, Uint8Array.from(macKey));
  const sealed = { iv, ciphertext, tag };
  const run =
    op === "seal" ? () => Object.values(sealParts(core, enc, mac, data, iv)) : () => openParts(core, enc, mac, sealed);
  return { run, result: run, differs: false };
}

/** Our task for an operation on an output. @throws Missing */
export async function ourTask(op, output, input) {
  if (output === "auto") return autoTask(op, input);
  const make = RAW[op];
  if (make === undefined) throw new Missing(`the core has no ${op} yet`);
  const run = make(new Raw(await rawExports(output)), input);
  return { run, result: run.result ?? run, differs: run.differs ?? false };
}
