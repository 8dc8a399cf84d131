// entity_auth.json: authentication data of every scheme, whom it stands for, and what protects a header under it.

import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import { decodeBase64, encodeBase64 } from "../../encoding/base64.ts";
import { entityAuthFields, parseEntityAuthData } from "../../entity-auth/scheme.ts";
import type { Name } from "../names.ts";
import { checkOutcome } from "./outcome.ts";
import { entitySchemes, type Receiver } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const ENTITY_AUTH_FILE: FileSpec = {
  file: "entity_auth.json",
  members: ["description", "now"],
  lists: {
    vectors: { needs: (vector) => [vector.text("scheme")], run: checkScheme },
    parse: { needs: claimedScheme, run: checkParsing },
  },
};

/** The scheme that the data names, unless the vector is about a receiver without it. */
function claimedScheme(vector: Vector): readonly string[] {
  const name = (vector.json("entityauthdata") as { scheme?: unknown }).scheme;
  return typeof name === "string" && !vector.has("receiverLacks") ? [name] : [];
}

async function checkScheme(vector: Vector, bench: Bench): Promise<void> {
  const local = signerOf(vector.json("entityauthdata") as Container, vector, bench);
  const schemes = entitySchemes({ bench, local });
  const scheme = schemes.get(vector.text("scheme")) ?? fail("no such scheme");
  const data = await parseEntityAuthData(decodeObject(vector.utf8("entityauthdata"), "entityauthdata"), schemes);
  same("scheme", data.scheme, scheme.name);
  same("identity", data.identity, vector.text("identity"));
  same("encrypts", scheme.encrypts, vector.flag("encrypts"));
  same("protectsIntegrity", scheme.protectsIntegrity, vector.flag("protectsIntegrity"));
  const sent = encodeObject("JSON", entityAuthFields(data));
  same("entityauthdata sent again", parseJson(text(sent), "our bytes"), vector.json("entityauthdata"));

  const context = await scheme.cryptoContext(data);
  const protect = vector.object("protect");
  protect.ignore("note");
  const plain = protect.bytes("plaintext");
  const ciphertext = protect.bytes("ciphertext");
  const signature = protect.bytes("signature");
  same("verification", await context.verify(ciphertext, signature), true);
  same("plaintext", await context.decrypt(ciphertext), plain);
  const ours = await context.encrypt(plain, "JSON");
  same("plaintext of our own ciphertext", await context.decrypt(ours), plain);
  same("form of our own ciphertext", shape(ours), shape(ciphertext));
  const signed = await context.sign(ciphertext, "JSON");
  same("verification of our own signature", await context.verify(ciphertext, signed), true);
  if (scheme.encrypts || !scheme.protectsIntegrity) same("signature", signed, signature); // one key, one signature
  if (!scheme.protectsIntegrity) return;
  const changed = ciphertext.slice();
  changed[0]! ^= 1;
  same("verification of other data", await context.verify(changed, signature), false);
}

interface Container {
  readonly scheme: string;
  readonly authdata: Readonly<Record<string, string>>;
}

/** Whose private key signs: schemes of key pairs and certificates, also inside MT_PROTECTED. */
function signerOf({ scheme, authdata }: Container, vector: Vector, bench: Bench): Name | null {
  if (scheme === "MT_PROTECTED") {
    vector.ignore("sessionKeys");
    return signerOf(vector.json("encapsulated") as Container, vector, bench);
  }
  if (scheme === "RSA" || scheme === "ECC") return { scheme, rest: authdata.pubkeyid ?? "" };
  if (scheme !== "X509") return null;
  const der = decodeBase64(authdata.x509certificate ?? "") ?? fail("not Base64");
  const row = bench.keys.file.x509.find((candidate) => base64(candidate.der) === base64(der));
  return { scheme, rest: (row ?? fail("no such certificate")).name };
}

const base64 = (bytes: Uint8Array) => encodeBase64(bytes);

/** An envelope without what is random in it; bytes that are no envelope as they are. */
function shape(data: Uint8Array): unknown {
  if (data[0] !== 0x7b) return data;
  const envelope = parseJson(text(data), "envelope") as Record<string, unknown>;
  return { ...envelope, iv: typeof envelope.iv, ciphertext: String(envelope.ciphertext).length };
}

function checkParsing(vector: Vector, bench: Bench): Promise<void> {
  const receiver: Receiver = { bench, lacks: vector.textOr("receiverLacks") };
  const schemes = entitySchemes(receiver);
  const wire = vector.utf8("entityauthdata");
  return checkOutcome(
    vector,
    async () => {
      const data = await parseEntityAuthData(decodeObject(wire, "entityauthdata"), schemes);
      await (schemes.get(data.scheme) ?? fail("no such scheme")).cryptoContext(data);
      return data;
    },
    (data) => same("identity", data.identity, vector.object("result").text("identity")),
  );
}
