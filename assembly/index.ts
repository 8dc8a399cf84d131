// The WASM ABI: re-exports and nothing else. `src/core/abi.ts` holds the integers, docs/ARCHITECTURE.md the rules.
export { aesCbcDecrypt, aesCbcDecryptBlocks, aesCbcEncrypt, aesCbcEncryptBlocks } from "./cipher/aes-cbc";
export { aesGcmOpen, aesGcmSeal } from "./cipher/gcm";
export {
  openCbcHmac,
  sealCbcHmac,
  sealStreamBegin,
  sealStreamBlocks,
  sealStreamDrop,
  sealStreamEnd,
} from "./cipher/seal";
export { seal4CbcHmac } from "./cipher/seal4";
export { aesUnwrapBytes, aesUnwrapSlot, aesWrapBytes, aesWrapSlot } from "./cipher/aes-kw";
export { dhAgreeSession, dhGenerate, dhImport } from "./dh/dh";
export { ecdsaP256Sign, ecdsaP256SignDer, ecdsaP256Verify } from "./ec/ecdsa";
export { p256Agree, p256Generate, p256Import, p256PublicKey } from "./ec/p256";
export { x25519Agree, x25519Generate, x25519PublicKey } from "./ec/x25519";
export { sha1Digest } from "./hash/sha1";
export { sha256Begin, sha256Digest, sha256End, sha256Feed } from "./hash/sha256";
export {
  sha384Begin,
  sha384Digest,
  sha512Begin,
  sha512Digest,
  sha512End,
  sha512End as sha384End,
  sha512Feed,
  sha512Feed as sha384Feed,
} from "./hash/sha512";
export { cmacBegin, cmacEnd, cmacEndVerify, cmacSign, cmacUpdate, cmacVerify } from "./mac/cmac";
export { deriveWrapSlot, hkdfSha256, hkdfSha256Session } from "./mac/hkdf";
export {
  hmacSha256Begin,
  hmacSha256End,
  hmacSha256EndVerify,
  hmacSha256Sign,
  hmacSha256Update,
  hmacSha256Verify,
} from "./mac/hmac";
export {
  hmacSha384Begin,
  hmacSha384Sign,
  hmacSha384Verify,
  hmacSha512Begin,
  hmacSha512End,
  hmacSha512End as hmacSha384End,
  hmacSha512EndVerify,
  hmacSha512EndVerify as hmacSha384EndVerify,
  hmacSha512Sign,
  hmacSha512Update,
  hmacSha512Update as hmacSha384Update,
  hmacSha512Verify,
} from "./mac/hmac-sha512";
export {
  freeSlots,
  slotClear,
  slotEvict,
  slotExport,
  slotGenerate,
  slotImport,
  slotLength,
  slotRestore,
  slotsClear,
  slotType,
} from "./memory/key-slots";
export { entropyPtr, stageInPtr, stageOutPtr } from "./memory/layout";
export { drbgGenerateStage as drbgGenerate, drbgInstantiate, drbgUninstantiate } from "./rand/drbg";
export { rsaOaepDecrypt, rsaOaepEncrypt, rsaOaepOpenSlot, rsaOaepSealSlot } from "./rsa/oaep";
export {
  rsaPkcs1Decrypt,
  rsaPkcs1Encrypt,
  rsaPkcs1OpenSlot,
  rsaPkcs1SealSlot,
  rsaPkcs1Sign,
  rsaPkcs1Verify,
} from "./rsa/pkcs1";
export { rsaGenerate, rsaGenerateBegin, rsaGenerateStep } from "./rsa/rsa-generate";
export { rsaImport, rsaImportPrimes, rsaPublicKey } from "./rsa/rsa-key";
export { entropyFill, entropyLeft } from "./rand/entropy";
export { base64Decode, base64Encode, base64UrlDecode, base64UrlEncode } from "./framing/base64-stage";
export { chunkFlags, chunkMidHi, chunkMidLo, chunkOpen, chunkSeal, chunkSeqHi, chunkSeqLo } from "./framing/chunk";
export { pairOpen, pairSeal, resultPtr, stageWipe } from "./framing/envelope";
export { slotImportBase64 } from "./framing/import";
export { scanFeed } from "./framing/scan";
