// The small profile "PSK + ECDH X25519": what a device needs that has a pre-shared key and agrees session keys by
// X25519. No GCM, CMAC, P-256, RSA, Diffie-Hellman, SHA-1 or SHA-512; docs/ARCHITECTURE.md says how to make a profile.
export { aesCbcDecrypt, aesCbcDecryptBlocks, aesCbcEncrypt, aesCbcEncryptBlocks } from "./cipher/aes-cbc";
export { aesUnwrapBytes, aesUnwrapSlot, aesWrapBytes, aesWrapSlot } from "./cipher/aes-kw";
export { x25519Agree, x25519Generate, x25519PublicKey } from "./ec/x25519";
export { chunkFlags, chunkMidHi, chunkMidLo, chunkOpen, chunkSeal, chunkSeqHi, chunkSeqLo } from "./framing/chunk";
export { pairOpen, pairSeal, resultPtr, stageWipe } from "./framing/envelope";
export { slotImportBase64 } from "./framing/import";
export { scanFeed } from "./framing/scan";
export { sha256Begin, sha256Digest, sha256End, sha256Feed } from "./hash/sha256";
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
export { entropyFill, entropyLeft } from "./rand/entropy";
