// Keys and tokens for `inspect`: whom a header comes from, and what the tokens in it say, as far as the key file opens them.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { encodeBase64 } from "../encoding/base64.ts";
import { type Compression, compressionNamed, uncompress } from "../encoding/compression.ts";
import { decodeObject } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { type EntitySchemes, parseEntityAuthData } from "../entity-auth/scheme.ts";
import { MslError } from "../errors/msl-error.ts";
import { nodeClock } from "../platform/clock-node.ts";
import { nodeGzip } from "../platform/gzip-node.ts";
import { parseMasterToken } from "../tokens/master-token.ts";
import { type TokenCrypto, tokenKeys } from "../tokens/token-crypto.ts";
import { entitySchemes } from "./entities.ts";
import type { KeysFile } from "./keys-file.ts";

export const COMPRESSION: Compression = { gzip: nodeGzip, maxBytes: 64 * 1024 * 1024 };

export interface Keys {
  readonly core: Core;
  readonly tokens: TokenCrypto | null;
  readonly schemes: EntitySchemes;
  readonly serviceToken: (name: string) => CryptoContext | null;
}

export function inspectionKeys(core: Core, file: KeysFile | null): Keys {
  if (file === null) return { core, tokens: null, schemes: new Map(), serviceToken: () => null };
  const peerIssuer = file.peerIssuerContext(core);
  const tokens = tokenKeys([file.issuerContext(core), ...(peerIssuer === null ? [] : [peerIssuer])]);
  const around = { core, clock: nodeClock, tokenCrypto: tokens, local: null };
  const schemes = entitySchemes(file, { psk: file.pskContexts(core) }, around);
  return {
    core,
    tokens,
    schemes: new Map(schemes.map((scheme) => [scheme.name, scheme])),
    serviceToken: file.serviceTokenContexts(core),
  };
}

/** What verifies and decrypts a header under entity authentication data; null: the key file does not have it. */
export async function entityContext(container: MslMap, { schemes }: Keys): Promise<CryptoContext | null> {
  try {
    const data = await parseEntityAuthData(container, schemes);
    return (await schemes.get(data.scheme)?.cryptoContext(data)) ?? null;
  } catch (error) {
    if (error instanceof MslError) return null;
    throw error;
  }
}

export async function inspectMasterToken(map: MslMap, keys: Keys) {
  const data = decodeObject(map.bytes("tokendata"), "mastertoken.tokendata");
  const { sessiondata: _, ...shown } = data.toPlain();
  try {
    const token = await parseMasterToken(map, keys.tokens, keys.core);
    const identity = token.verified === null ? {} : { identity: token.verified.identity };
    return { token, fields: { ...shown, verified: token.verified !== null, ...identity } };
  } catch (error) {
    return { token: null, fields: { ...shown, invalid: codeOf(error) } };
  }
}

export async function inspectUserIdToken(map: MslMap, { tokens }: Keys): Promise<Record<string, unknown>> {
  const tokendata = map.bytes("tokendata");
  const data = decodeObject(tokendata, "useridtoken");
  const { userdata: _, ...shown } = data.toPlain();
  try {
    const issuer = (await tokens?.find(tokendata, map.bytes("signature"))) ?? null;
    if (issuer === null) return { ...shown, verified: false };
    const user = decodeObject(await issuer.decrypt(data.bytes("userdata")), "userdata");
    return { ...shown, verified: true, user: user.string("identity") };
  } catch (error) {
    return { ...shown, invalid: codeOf(error) };
  }
}

export async function inspectServiceToken(map: MslMap, keys: Keys): Promise<Record<string, unknown>> {
  const tokendata = map.bytes("tokendata");
  const data = decodeObject(tokendata, "servicetoken");
  const { servicedata: _, ...shown } = data.toPlain();
  const sealed = data.bytes("servicedata");
  if (sealed.length === 0) return { ...shown, deletes: true };
  try {
    const context = keys.serviceToken(data.string("name"));
    const isVerified = context !== null && (await context.verify(tokendata, map.bytes("signature")));
    if (context === null || !isVerified) return { ...shown, verified: false };
    const raw = data.bool("encrypted") ? await context.decrypt(sealed) : sealed;
    const algorithm = data.stringOr("compressionalgo");
    const named = algorithm === null ? null : compressionNamed(algorithm, "servicetoken.compressionalgo");
    const content = named === null ? raw : uncompress(named, COMPRESSION, raw, "servicetoken");
    return { ...shown, verified: true, dataBase64: encodeBase64(content) };
  } catch (error) {
    return { ...shown, invalid: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return error instanceof MslError ? error.code : "unreadable";
}
