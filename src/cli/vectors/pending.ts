// The requester's half of recorded key exchanges: what a device holds while it awaits the response.

import { type DhGroup, dhImport } from "../../core/dh.ts";
import { LADDER_KEY, RSA_DECRYPTION } from "../../core/key-specs.ts";
import { importPrivateKey, readPublicKey } from "../../crypto/key-der.ts";
import { decodeBase64 } from "../../encoding/base64.ts";
import { asymmetricWrapped, type WrappingKeyPair } from "../../key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../../key-exchange/diffie-hellman.ts";
import type { KeyExchange, KeyRequest } from "../../key-exchange/scheme.ts";
import type { WrapKeyStore } from "../../key-exchange/wrap-keys.ts";
import type { Bench } from "./spec.ts";
import { fail, type Vector } from "./vector.ts";

type Json = Readonly<Record<string, unknown>>;

export const MECHANISMS = ["RSA", "JWE_RSA", "JWEJS_RSA", "JWK_RSA", "JWK_RSAES"] as const;

/** What a record says of the requester's half of an exchange. */
export interface RecordedRequest {
  /** `{ scheme, keydata }` as it was sent. */
  readonly request: Json;
  /** Private exponent of DIFFIE_HELLMAN. */
  readonly privateValue?: Uint8Array | null;
  /** Wrapping key that the ladder's exchange before left. */
  readonly previousKey?: Uint8Array | null;
}

/** The requester's half of a recorded key request. */
export async function pendingRequest(
  exchange: KeyExchange,
  recorded: RecordedRequest,
  bench: Bench,
): Promise<KeyRequest> {
  const { core, keys } = bench;
  const keydata = (recorded.request.keydata ?? {}) as Json;
  const { privateValue = null, previousKey = null } = recorded;
  let own = exchange;
  if (exchange.name === "DIFFIE_HELLMAN" && privateValue !== null) {
    const generate = (group: DhGroup) => dhImport(core, group, privateValue);
    own = diffieHellman({ core, groups: keys.file.dh, offer: [String(keydata.parametersid)], generate });
  }
  if (exchange.name === "ASYMMETRIC_WRAPPED") {
    // The records have one key pair for all mechanisms, which the library refuses to offer at once.
    const mechanisms = MECHANISMS.filter((name) => name === keydata.mechanism);
    own = asymmetricWrapped({ core, timers: null, mechanisms, keyPair: () => requestPair(bench) });
  }
  if (exchange.name.endsWith("_LADDER")) {
    const wrapdata = typeof keydata.wrapdata === "string" ? decodeBase64(keydata.wrapdata) : null;
    if (wrapdata !== null && previousKey !== null) {
      await ladderStore(bench, exchange.name).add(wrapdata, core.importKey(LADDER_KEY, previousKey));
    }
  }
  const made = await own.createRequests();
  const variant = keydata.mechanism ?? keydata.parametersid ?? keydata.keyid;
  const found = made.find((request) => Object.values(request.keydata).includes(variant as string)) ?? made[0];
  for (const request of made) if (request !== found) request.dispose();
  return found ?? fail("no request was made");
}

/** The RSA key pair of key requests in the key file. */
function requestPair(bench: Bench): WrappingKeyPair {
  const row = bench.keys.file.keyx ?? fail("the key file has no keyx");
  const publicKey = readPublicKey(row.spki);
  const rsa = publicKey.kind === "RSA" ? publicKey.rsa : fail("keyx is no RSA key");
  const { key } = importPrivateKey(bench.core, row.pkcs8() ?? fail("keyx has no private key"), RSA_DECRYPTION);
  return { keyPairId: row.keyPairId, privateKey: bench.own(key), publicKey: rsa, owns: true };
}

/** The halves of all key requests that a recorded message carried. */
export async function pendingRequests(
  message: Vector | null,
  exchanges: readonly KeyExchange[],
  bench: Bench,
): Promise<readonly KeyRequest[]> {
  if (message === null || !message.has("keyrequestPrivate")) return [];
  const { keyrequestdata = [] } = message.json("headerdata") as { keyrequestdata?: readonly Json[] };
  const pending: KeyRequest[] = [];
  for (const recorded of message.objects("keyrequestPrivate")) {
    const scheme = recorded.text("scheme");
    const exchange = exchanges.find(({ name }) => name === scheme) ?? fail("no such key exchange");
    const request = keyrequestdata.find((element) => element.scheme === scheme) ?? fail("no such key request");
    const halves = recorded.objectOr("private");
    halves?.ignore("publicValue");
    const privateValue = halves?.bytes("privateValue") ?? null;
    pending.push(bench.own(await pendingRequest(exchange, { request, privateValue }, bench)));
  }
  return pending;
}

export function ladderStore(bench: Bench, ladder: string): WrapKeyStore {
  return bench.keys.ladders.get(ladder) ?? fail("no store for the ladder");
}
