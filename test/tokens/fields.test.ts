// Every field of every token: missing, mistyped, out of range, duplicated, unknown extra, in both formats.

import { beforeAll, describe, expect, test } from "vitest";
import { type Core, ENCRYPTION_KEY, MAC_KEY, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../../src/encoding/codec.ts";
import { createMasterToken, masterTokenFields, parseMasterToken } from "../../src/tokens/master-token.ts";
import { createServiceToken, parseServiceToken, serviceTokenFields } from "../../src/tokens/service-token.ts";
import { type TokenCrypto, tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createUserIdToken, parseUserIdToken, userIdTokenFields } from "../../src/tokens/user-id-token.ts";

const M = 2 ** 53;
const FORMATS = ["JSON", "CBOR"] as const;
let core: Core;
let issuer: CryptoContext;
let crypto: TokenCrypto;
beforeAll(async () => {
  core = await loadCore();
  issuer = slotContext(core, {
    keyId: "k",
    encryption: core.generateKey(ENCRYPTION_KEY, 16),
    mac: core.generateKey(MAC_KEY, 32),
  });
  crypto = tokenKeys([issuer]);
});

const master = { renewalwindow: 1, expiration: 2, sequencenumber: 3, serialnumber: 4 };
const session = {
  identity: "e",
  encryptionkey: new Uint8Array(16),
  hmackey: new Uint8Array(32),
  signaturekey: new Uint8Array(32),
};
const userFields = { renewalwindow: 1, expiration: 2, mtserialnumber: 4, serialnumber: 5 };

/** A signed token around token data; a duplicate is added to the encoded bytes. */
async function signed(format: Format, tokendata: EncodeFields, duplicate?: string): Promise<EncodeFields> {
  let bytes = encodeObject(format, tokendata);
  if (duplicate !== undefined) {
    const extra = encodeObject(format, { [duplicate]: 1 });
    bytes = Uint8Array.from(
      format === "JSON"
        ? [...bytes.subarray(0, -1), 0x2c, ...extra.subarray(1)]
        : [bytes[0]! + 1, ...bytes.subarray(1), ...extra.subarray(1)],
    );
  }
  return { tokendata: bytes, signature: await issuer.sign(bytes, format) };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    (error) => error.code,
  );
const asMap = (format: Format, fields: EncodeFields) => decodeObject(encodeObject(format, fields), "token");

describe.each(FORMATS)("%s", (format) => {
  const readMaster = async (fields: EncodeFields, sessionFields: EncodeFields = session, duplicate?: string) => {
    const sessiondata = await issuer.encrypt(encodeObject(format, sessionFields), format);
    const token = await signed(format, "sessiondata" in fields ? fields : { ...fields, sessiondata }, duplicate);
    return codeOf(parseMasterToken(asMap(format, token), crypto, core));
  };
  const OUT = "MASTERTOKEN_TOKENDATA_PARSE_ERROR";

  test("master token data", async () => {
    expect(await readMaster(master)).toBe("accepted");
    expect(await readMaster({ ...master, extra: "x" })).toBe("accepted");
    for (const name of Object.keys(master)) {
      const { [name as keyof typeof master]: _, ...rest } = master;
      expect(await readMaster(rest), name).toBe(OUT);
      expect(await readMaster({ ...master, [name]: "1" }), name).toBe(OUT);
      expect(await readMaster({ ...master, [name]: true }), name).toBe(OUT);
      expect(await readMaster(master, session, name), name).toBe(OUT);
    }
    for (const [name, code] of [
      ["sequencenumber", "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_RANGE"],
      ["serialnumber", "MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE"],
    ] as const) {
      expect(await readMaster({ ...master, [name]: M })).toBe("accepted");
      expect(await readMaster({ ...master, [name]: -1 })).toBe(code);
    }
    expect(await readMaster({ ...master, expiration: 0 })).toBe("MASTERTOKEN_EXPIRES_BEFORE_RENEWAL");
    expect(await readMaster({ ...master, expiration: 1 })).toBe("accepted");
    expect(await readMaster({ ...master, sessiondata: new Uint8Array(0) })).toBe("MASTERTOKEN_SESSIONDATA_MISSING");
  });

  test("session data", async () => {
    const bad = "MASTERTOKEN_SESSIONDATA_PARSE_ERROR";
    const { encryptionkey: _e, ...noKey } = session;
    const { hmackey: _h, signaturekey: _s, ...noMac } = session;
    const { identity: _i, ...noIdentity } = session;
    for (const fields of [
      noKey,
      noMac,
      noIdentity,
      { ...session, identity: 5 },
      { ...session, encryptionkey: 5 },
      { ...session, issuerdata: "x" },
    ]) {
      expect(await readMaster(master, fields)).toBe(bad);
    }
    expect(await readMaster(master, { ...noMac, hmackey: new Uint8Array(32) })).toBe("accepted");
    expect(await readMaster(master, { ...session, encryptionalgorithm: "DES" })).toBe("UNIDENTIFIED_ALGORITHM");
    expect(await readMaster(master, { ...session, signaturealgorithm: "MD5" })).toBe("UNIDENTIFIED_ALGORITHM");
    expect(await readMaster(master, { ...session, encryptionalgorithm: 5 })).toBe("accepted");
    for (const fields of [
      { ...session, encryptionkey: new Uint8Array(0) },
      { ...session, encryptionkey: new Uint8Array(15) },
      { ...session, signaturekey: new Uint8Array(0) },
    ]) {
      expect(await readMaster(master, fields)).toBe("MASTERTOKEN_KEY_CREATION_ERROR");
    }
    const garbled = await signed(format, { ...master, sessiondata: new Uint8Array(40) });
    expect(await codeOf(parseMasterToken(asMap(format, garbled), crypto, core))).toBe(
      "CIPHERTEXT_ENVELOPE_PARSE_ERROR",
    );
  });

  test("the outer object, and tokens that were not issued here", async () => {
    const token = await signed(format, { ...master, sessiondata: new Uint8Array(40) });
    const read = (fields: EncodeFields) => codeOf(parseMasterToken(asMap(format, fields), crypto, core));
    expect(await read({ signature: token.signature })).toBe("MSL_PARSE_ERROR");
    expect(await read({ tokendata: token.tokendata })).toBe("MSL_PARSE_ERROR");
    expect(await read({ ...token, tokendata: new Uint8Array(0) })).toBe("MASTERTOKEN_TOKENDATA_MISSING");
    expect(await read({ ...token, signature: 5 })).toBe("MSL_PARSE_ERROR");
    const foreign = await parseMasterToken(asMap(format, { ...token, signature: new Uint8Array(32) }), crypto, core);
    expect(foreign.verified).toBeNull();
    // Ranges hold for tokens of others too.
    const wild = await signed(format, { ...master, serialnumber: -1, sessiondata: new Uint8Array(1) });
    expect(await read({ ...wild, signature: new Uint8Array(0) })).toBe("MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
  });

  test("2^53 + 1 is out of range, not rounded", async () => {
    const text =
      '{"renewalwindow":1,"expiration":2,"sequencenumber":9007199254740993,"serialnumber":4,"sessiondata":"AA=="}';
    const tokendata = Uint8Array.from(Buffer.from(text));
    expect(await codeOf(parseMasterToken(asMap(format, { tokendata, signature: new Uint8Array(1) }), null, core))).toBe(
      "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_RANGE",
    );
  });

  test("created tokens read back, bytes kept, older keys verify after rotation", async () => {
    const keys = { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_MAC, 32) };
    const life = { renewalWindow: 10, expiration: 20 };
    const issued = await createMasterToken(core, crypto, format, {
      ...life,
      sequenceNumber: 0,
      serialNumber: M,
      identity: "e é",
      keys,
      issuerData: { a: new Uint8Array([1, 2]) },
    });
    const read = await parseMasterToken(asMap(format, masterTokenFields(issued)), crypto, core);
    expect([read.verified?.identity, read.serialNumber, read.tokendata, read.signature]).toEqual([
      "e é",
      M,
      issued.tokendata,
      issued.signature,
    ]);
    const other = slotContext(core, {
      keyId: "n",
      encryption: core.generateKey(ENCRYPTION_KEY, 16),
      mac: core.generateKey(MAC_KEY, 32),
    });
    const rotated = await parseMasterToken(asMap(format, masterTokenFields(issued)), tokenKeys([other, issuer]), core);
    expect(rotated.verified?.identity).toBe("e é");
    const retired = await parseMasterToken(asMap(format, masterTokenFields(issued)), tokenKeys([other]), core);
    expect(retired.verified).toBeNull();
    const userToken = await createUserIdToken(crypto, format, {
      ...life,
      mtSerialNumber: M,
      serialNumber: 1,
      user: "u",
      issuerData: {},
    });
    expect((await parseUserIdToken(asMap(format, userIdTokenFields(userToken)), crypto, issued)).verified?.user).toBe(
      "u",
    );
  });

  test("user ID token data", async () => {
    const holder = { serialNumber: 4 } as never;
    const read = async (fields: EncodeFields, userdata: EncodeFields = { identity: "u" }, duplicate?: string) => {
      const sealed = await issuer.encrypt(encodeObject(format, userdata), format);
      const token = await signed(format, "userdata" in fields ? fields : { ...fields, userdata: sealed }, duplicate);
      return codeOf(parseUserIdToken(asMap(format, token), crypto, holder));
    };
    expect(await read(userFields)).toBe("accepted");
    for (const name of Object.keys(userFields)) {
      const { [name as keyof typeof userFields]: _, ...rest } = userFields;
      expect(await read(rest), name).toBe("USERIDTOKEN_TOKENDATA_PARSE_ERROR");
      expect(await read({ ...userFields, [name]: "1" }), name).toBe("USERIDTOKEN_TOKENDATA_PARSE_ERROR");
      expect(await read(userFields, { identity: "u" }, name), name).toBe("USERIDTOKEN_TOKENDATA_PARSE_ERROR");
    }
    expect(await read({ ...userFields, mtserialnumber: -1 })).toBe(
      "USERIDTOKEN_MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE",
    );
    expect(await read({ ...userFields, serialnumber: -1 })).toBe("USERIDTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
    expect(await read({ ...userFields, expiration: 0 })).toBe("USERIDTOKEN_EXPIRES_BEFORE_RENEWAL");
    expect(await read({ ...userFields, userdata: new Uint8Array(0) })).toBe("USERIDTOKEN_USERDATA_MISSING");
    expect(await read({ ...userFields, mtserialnumber: 5 })).toBe("USERIDTOKEN_MASTERTOKEN_MISMATCH");
    expect(await read(userFields, {})).toBe("USERIDTOKEN_USERDATA_PARSE_ERROR");
    expect(await read(userFields, { identity: "" })).toBe("USERIDTOKEN_IDENTITY_INVALID");
  });

  test("service tokens: fields, bindings, opaque ones, deletions", async () => {
    const fields = { name: "n", encrypted: false, servicedata: new Uint8Array([1]) };
    const reader = {
      masterToken: { serialNumber: 4 } as never,
      userIdToken: { serialNumber: 5 } as never,
      context: () => issuer,
      compression: { gzip: null, maxBytes: 1000 },
    };
    const read = async (tokendata: EncodeFields, duplicate?: string) =>
      codeOf(parseServiceToken(asMap(format, await signed(format, tokendata, duplicate)), reader));
    expect(await read({ ...fields, mtserialnumber: 4, uitserialnumber: 5, extra: 1 })).toBe("accepted");
    for (const name of Object.keys(fields)) {
      const { [name as keyof typeof fields]: _, ...rest } = fields;
      expect(await read(rest), name).toBe("MSL_PARSE_ERROR");
      expect(await read({ ...fields, [name]: 7 }), name).toBe("MSL_PARSE_ERROR");
      expect(await read(fields, name), name).toBe("MSL_PARSE_ERROR");
    }
    expect(await read({ ...fields, mtserialnumber: -1 })).toBe("SERVICETOKEN_MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
    expect(await read({ ...fields, uitserialnumber: -1 })).toBe("SERVICETOKEN_USERIDTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
    expect(await read({ ...fields, mtserialnumber: 3 })).toBe("SERVICETOKEN_MASTERTOKEN_MISMATCH");
    expect(await read({ ...fields, uitserialnumber: 3 })).toBe("SERVICETOKEN_USERIDTOKEN_MISMATCH");
    expect(await read({ ...fields, compressionalgo: "ZIP" })).toBe("UNIDENTIFIED_COMPRESSION");
    const token = await createServiceToken(format, {
      name: "n",
      data: new Uint8Array([1, 2, 3]),
      masterToken: null,
      userIdToken: null,
      encrypt: true,
      compressor: null,
      context: issuer,
    });
    const open = await parseServiceToken(asMap(format, serviceTokenFields(token)), reader);
    expect([open.verified, open.data]).toEqual([true, new Uint8Array([1, 2, 3])]);
    const opaque = await parseServiceToken(asMap(format, serviceTokenFields(token)), {
      ...reader,
      context: () => null,
    });
    expect([opaque.verified, opaque.data, opaque.tokendata]).toEqual([false, null, token.tokendata]);
    const deletion = await signed(format, { ...fields, servicedata: new Uint8Array(0) });
    const deleted = await parseServiceToken(asMap(format, { ...deletion, signature: new Uint8Array(0) }), reader);
    expect([deleted.verified, deleted.data?.length]).toEqual([false, 0]);
  });
});
