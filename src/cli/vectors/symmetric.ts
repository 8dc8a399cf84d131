// symmetric.json: the symmetric context. Encryption is repeated with the recorded IV, so both directions are compared.

import {
  ENCRYPTION_KEY,
  type KeyHandle,
  type KeySpec,
  MAC_KEY,
  SESSION_ENCRYPTION,
  WRAPPING_KEY,
} from "../../core/core.ts";
import { encodeCiphertextEnvelope } from "../../crypto/ciphertext-envelope.ts";
import type { CryptoContext } from "../../crypto/crypto-context.ts";
import { slotContext } from "../../crypto/symmetric.ts";
import { jwkFormat } from "../../key-exchange/ladder-format.ts";
import type { Awaitable } from "../../platform/awaitable.ts";
import { checkOutcome } from "./outcome.ts";
import { MAC_ALGORITHMS } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, utf8, type Vector } from "./vector.ts";

export const SYMMETRIC_FILE: FileSpec = {
  file: "symmetric.json",
  members: ["description"],
  lists: {
    encrypt: { run: checkEncryption },
    sign: { needs: (vector) => [vector.text("algorithm")], run: checkSignature },
    wrap: { run: checkWrap },
    wrapJwk: { run: checkKeyText },
    deriveWrappingKey: { run: checkDerivation },
    negative: { run: checkOperation },
  },
};

async function checkEncryption(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const keyId = vector.text("keyid");
  const encryption = bench.own(core.importKey(ENCRYPTION_KEY, vector.bytes("encryptionKey")));
  const plain = vector.bytes("plaintext");
  const iv = vector.bytes("iv");
  const ciphertext = vector.bytes("ciphertext");
  const recorded = vector.json("envelope");
  // Of nothing, the reference sends an IV and no ciphertext.
  const ours = plain.length === 0 ? { iv, ciphertext: plain } : core.cbcEncrypt(encryption, plain, iv);
  same("ciphertext", ours.ciphertext, ciphertext);
  same("envelope", json(encodeCiphertextEnvelope("JSON", { version: 1, keyId, ...ours })), recorded);
  const context = slotContext(core, { keyId, encryption });
  same("plaintext", await context.decrypt(vector.utf8("envelope")), plain);
  const fresh = await context.encrypt(plain, "JSON");
  same("keyid of our envelope", (json(fresh) as { keyid?: unknown }).keyid, keyId);
  same("our own envelope", await context.decrypt(fresh), plain);
}

async function checkSignature(vector: Vector, bench: Bench): Promise<void> {
  const spec = MAC_ALGORITHMS.get(vector.text("algorithm")) ?? fail("no such algorithm");
  const mac = bench.own(bench.core.importKey(spec, vector.bytes("key")));
  const context = slotContext(bench.core, { keyId: "", mac });
  const data = vector.bytes("data");
  const signature = vector.bytes("signature");
  same("signature", await context.sign(data, "JSON"), signature);
  same("verification", await context.verify(data, signature), true);
}

async function checkWrap(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const wrapping = bench.own(core.importKey(WRAPPING_KEY, vector.bytes("key")));
  const data = vector.bytes("data");
  const wrapped = vector.bytes("wrapped");
  same("wrapped", core.wrapBytes(wrapping, data), wrapped);
  same("unwrapped", core.unwrapBytes(wrapping, wrapped), data);
  if (data.length !== 16 && data.length !== 32) return;
  // The same bytes as a key: they cross the context without leaving the core.
  const context = slotContext(core, { keyId: "", wrapping });
  const key = bench.own(await context.unwrapKey(wrapped, SESSION_ENCRYPTION));
  same("unwrapped key", core.exportKey(key), data);
  same("wrapped key", await context.wrapKey(key), wrapped);
}

/** JWK_LADDER's wrapping of a key text. */
async function checkKeyText(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const wrapping = bench.own(core.importKey(WRAPPING_KEY, vector.bytes("key")));
  const context = slotContext(core, { keyId: "", wrapping });
  const format = jwkFormat();
  same("wrapped", await format.wrap(context, vector.utf8("jwk")), vector.bytes("wrapped"));
  same("padded", await format.unwrap(context, vector.bytes("wrapped")), vector.utf8("padded"));
}

function checkDerivation(vector: Vector, bench: Bench): void {
  const { core } = bench;
  const encryption = bench.own(core.importKey(SESSION_ENCRYPTION, vector.bytes("encryptionKey")));
  const mac = bench.own(
    core.importKey({ ...MAC_KEY, usage: SESSION_ENCRYPTION.usage | MAC_KEY.usage }, vector.bytes("hmacKey")),
  );
  const derived = bench.own(core.deriveWrappingKey(encryption, mac));
  // The derived key does not leave the core: it is the recorded one if both wrap alike.
  const recorded = bench.own(core.importKey(WRAPPING_KEY, vector.bytes("wrappingKey")));
  const probe = core.random(32);
  same("what the wrapping key wraps", core.wrapBytes(derived, probe), core.wrapBytes(recorded, probe));
  same("length", derived.length, recorded.length);
}

interface Setup {
  readonly context: CryptoContext;
  readonly wrapping: KeyHandle | null;
}

type Operation = (setup: Setup, input: Uint8Array, vector: Vector, bench: Bench) => Awaitable<unknown>;

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["encrypt", ({ context }, input) => context.encrypt(input, "JSON")],
  ["decrypt", ({ context }, input) => context.decrypt(input)],
  ["sign", ({ context }, input) => context.sign(input, "JSON")],
  ["verify", ({ context }, input, vector) => context.verify(vector.bytes("data"), input)],
  ["wrap", wrap],
  ["unwrap", unwrap],
]);

function checkOperation(vector: Vector, bench: Bench): Promise<void> {
  const op = OPERATIONS.get(vector.text("op")) ?? fail("no such operation");
  const setup = setUp(vector.object("keys"), bench);
  const input = vector.bytes("input");
  if (vector.has("inputText")) same("inputText", utf8(vector.text("inputText")), input);
  return checkOutcome(
    vector,
    () => op(setup, input, vector, bench),
    (result) => same("result", result, vector.raw("result")),
  ).then(() => vector.ignore("data"));
}

function setUp(keys: Vector, bench: Bench): Setup {
  const { core } = bench;
  const key = (name: string, spec: KeySpec): KeyHandle | null => {
    const raw = keys.bytesOr(name);
    return raw === null ? null : bench.own(core.importKey(spec, raw));
  };
  const encryption = key("encryptionKey", ENCRYPTION_KEY);
  const mac = key("hmacKey", MAC_KEY);
  const wrapping = key("wrappingKey", WRAPPING_KEY);
  return { context: slotContext(core, { keyId: keys.text("keyid"), encryption, mac, wrapping }), wrapping };
}

/** A context wraps keys only; bytes of lengths that no key has go to the core below it. */
function wrap({ context, wrapping }: Setup, input: Uint8Array, _vector: Vector, bench: Bench): Awaitable<Uint8Array> {
  if (wrapping !== null) return bench.core.wrapBytes(wrapping, input);
  return context.wrapKey(bench.own(bench.core.generateKey(SESSION_ENCRYPTION, 16)));
}

async function unwrap({ context }: Setup, input: Uint8Array, _vector: Vector, bench: Bench): Promise<Uint8Array> {
  const key = bench.own(await context.unwrapKey(input, SESSION_ENCRYPTION));
  return bench.core.exportKey(key);
}

function json(bytes: Uint8Array): unknown {
  return parseJson(text(bytes), "our encoding");
}
