// The integers that the host and the core agree on: statuses, key types, usage bits, formats and sizes.
// Read by both compilers (TypeScript and AssemblyScript), so it holds untyped integer constants and nothing else.

// Statuses. Results of exports are >= 0 (a length, a slot, OK) or one of these.
export const OK = 0;
/** A length, offset or number argument is outside what the export accepts. */
export const ERR_ARGUMENT = -1;
/** No such slot, or the slot is empty. */
export const ERR_SLOT = -2;
/** The slot holds a key of another type. */
export const ERR_KEY_TYPE = -3;
/** The key's usage bits do not allow the operation. */
export const ERR_USAGE = -4;
/** The entropy pool is short; nothing was done. */
export const ERR_ENTROPY = -5;
/** All slots are full; nothing was done. */
export const ERR_NO_SLOT = -6;
/** A MAC or a sealed blob did not verify. */
export const ERR_BAD_TAG = -7;
/** PKCS#5 padding is wrong. */
export const ERR_BAD_PADDING = -8;
/** Input length is not a multiple of the cipher's block. */
export const ERR_BLOCK_SIZE = -9;
/** RFC 3394 integrity check failed, or wrapped input is too short. */
export const ERR_UNWRAP = -10;
/** A public key is invalid, or the shared secret is all zero. */
export const ERR_PUBLIC_KEY = -11;
/** The result does not fit the stage. */
export const ERR_SPACE = -12;
/** Framing: bytes that the core does not take in one pass (malformed, or a legal but unusual form): the host codec decides. */
export const ERR_FORM = -13;
/** Scanner: the object nests deeper than NESTING_LIMIT. */
export const ERR_NESTING = -14;
/** A signature did not verify, or is malformed. */
export const ERR_BAD_SIGNATURE = -15;
/** A private key or group is malformed, inconsistent, or outside the sizes that are taken. */
export const ERR_KEY = -16;
/** A computation checked itself and failed: nothing of its result left the core. */
export const ERR_FAULT = -17;
/** Generation did not end within its bound of attempts; nothing was made. */
export const ERR_ATTEMPTS = -18;

// Key types.
export const KEY_AES = 1;
export const KEY_HMAC_SHA256 = 2;
export const KEY_AES_WRAP = 3;
export const KEY_X25519 = 4;
/** Input keying material for HKDF: a shared secret. */
export const KEY_SECRET = 5;
export const KEY_HMAC_SHA384 = 6;
export const KEY_HMAC_SHA512 = 7;
/** AES-CMAC, RFC 4493. */
export const KEY_CMAC = 8;
/** Private scalar of P-256, 32 bytes big-endian, 1..n-1. */
export const KEY_P256 = 9;
/** RSA private key, in a big slot. */
export const KEY_RSA = 10;
/** Private exponent of finite-field Diffie-Hellman, in a big slot. */
export const KEY_DH = 11;

// Hash functions, where an export or an internal function takes one by number.
/** For OAEP and MGF1 only. */
export const HASH_SHA1 = 1;
export const HASH_SHA256 = 2;

// Groups of finite-field Diffie-Hellman.
/** Prime and generator come with the call. */
export const DH_CUSTOM = 0;
/** RFC 3526 §3, 2048 bits. */
export const DH_GROUP14 = 1;
/** RFC 7919 §A.1. */
export const DH_FFDHE2048 = 2;
/** RFC 7919 §A.2. */
export const DH_FFDHE3072 = 3;

// Usage bits.
export const USE_ENCRYPT = 1;
export const USE_DECRYPT = 2;
export const USE_SIGN = 4;
export const USE_VERIFY = 8;
export const USE_WRAP = 16;
export const USE_UNWRAP = 32;
export const USE_DERIVE = 64;
/** The raw key may leave the core: `slotExport`, `aesWrapSlot` of this key, raw HKDF output. */
export const USE_EXPORT = 128;

// Formats.
export const FORMAT_JSON = 0;
export const FORMAT_CBOR = 1;

// Payload chunk flags.
export const CHUNK_END_OF_MESSAGE = 1;
export const CHUNK_GZIP = 2;
export const CHUNK_LZW = 4;

// Sizes, in bytes.
export const MAX_RAW_KEY = 128;
export const SEALED_KEY_SIZE = 192;
export const ENTROPY_POOL_SIZE = 1024;
/** Slots 0..SLOT_COUNT-1 hold keys of up to MAX_RAW_KEY bytes. */
export const SLOT_COUNT = 32;
/** Slots SLOT_COUNT..SLOT_COUNT+BIG_SLOT_COUNT-1 hold RSA and Diffie-Hellman keys of up to MAX_BIG_KEY bytes. */
export const BIG_SLOT_COUNT = 4;
export const MAX_BIG_KEY = 1312;
export const SEALED_BIG_KEY_SIZE = 1376;
export const STAGE_SIZE = 43008;
export const SCAN_STATE_SIZE = 192;
/** Working space of big numbers: the last bytes of `stage out`. */
export const ARENA_SIZE = 32768;
export const NESTING_LIMIT = 32;
/** Longest application data that one sealed chunk takes. */
export const CHUNK_DATA_MAX = 16384;
/** Longest key id, in bytes as it stands between the quotes of a JSON string, or as CBOR text. */
export const KEY_ID_MAX = 1024;
