/* Every operation of the core on secrets that valgrind's memcheck holds for undefined: keys, private scalars, random
   bytes, plaintext and padding. A branch or an address that depends on one is an error. What an operation reveals by
   design (a status, a public key, a ciphertext) is made defined again when it has come out.
   `secrets NAME` runs one scenario; without a name it lists them. The scenario "leak" must be reported. */

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>
#include "abi.inc"
#include "core.h"

static w2c_core core;
static uint8_t* memory;
static u32 in, out;

#define CALL(name, ...) reveal(w2c_core_##name(&core, ##__VA_ARGS__))
#define ALL 255u

static void secret(u32 at, u32 length) { VALGRIND_MAKE_MEM_UNDEFINED(memory + at, length); }
static void public(u32 at, u32 length) { VALGRIND_MAKE_MEM_DEFINED(memory + at, length); }

static int32_t reveal(u32 status) {
  VALGRIND_MAKE_MEM_DEFINED(&status, sizeof status);
  return (int32_t)status;
}

static void must(int32_t status, const char* what) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %d\n", what, status);
  exit(2);
}

/* Some bytes, secret ones. */
static u32 fill(u32 at, u32 length) {
  for (u32 i = 0; i < length; i++) memory[at + i] = (uint8_t)(i * 151 + at + 7);
  secret(at, length);
  return at;
}

static void refill(void) {
  u32 pool = w2c_core_entropyPtr(&core);
  fill(pool, ENTROPY_POOL_SIZE);
  w2c_core_entropyFill(&core, ENTROPY_POOL_SIZE);
}

static u32 key(u32 type, u32 length) {
  int32_t slot = CALL(slotImport, type, ALL, fill(in, length), length);
  must(slot, "slotImport");
  return (u32)slot;
}

static void move(u32 to, u32 from, u32 length) { memmove(memory + to, memory + from, length); }

static void aes_cbc(void) {
  for (u32 bits = 16; bits <= 32; bits += 8) {
    u32 k = key(KEY_AES, bits);
    for (u32 n = 0; n <= 200; n += 37) {
      memset(memory + in, 3, 16);
      fill(in + 16, n);
      int32_t length = CALL(aesCbcEncrypt, k, in, in + 16, n, out);
      must(length, "encrypt");
      public(out, (u32)length);
      move(in + 16, out, (u32)length);
      memset(memory + in, 3, 16);
      secret(in + 16, (u32)length);
      must(CALL(aesCbcDecrypt, k, in, in + 16, (u32)length, out), "decrypt");
    }
    CALL(slotClear, k);
  }
}

/* A wrong padding is found out without a branch on the way. */
static void bad_padding(void) {
  u32 k = key(KEY_AES, 16);
  memset(memory + in, 3, 16);
  fill(in + 16, 64);
  CALL(aesCbcDecrypt, k, in, in + 16, 64, out);
}

static void key_wrap(void) {
  u32 kw = key(KEY_AES_WRAP, 16), k = key(KEY_HMAC_SHA256, 32);
  must(CALL(aesWrapSlot, kw, k, out), "wrap");
  must(CALL(aesUnwrapSlot, kw, out, 40, KEY_HMAC_SHA256, ALL), "unwrap");
  fill(in, 32);
  must(CALL(aesWrapBytes, kw, in, 32, out), "wrapBytes");
  must(CALL(aesUnwrapBytes, kw, out, 40, in), "unwrapBytes");
}

static void aes_gcm(void) {
  for (u32 bits = 16; bits <= 32; bits += 8) {
    u32 k = key(KEY_AES, bits);
    for (u32 n = 0; n <= 200; n += 40) {
      memset(memory + in, 3, 50);
      fill(in + 50, n);
      int32_t length = CALL(aesGcmSeal, k, in, in + 12, 33, in + 50, n, out);
      must(length, "gcmSeal");
      must(CALL(aesGcmOpen, k, in, in + 12, 33, out, (u32)length, out), "gcmOpen");
      CALL(aesGcmOpen, k, in, in + 12, 34, out, (u32)length, out);
    }
    CALL(slotClear, k);
  }
}

static void cmac(void) {
  u32 k = key(KEY_CMAC, 32);
  for (u32 n = 0; n <= 300; n += 50) {
    fill(in, n);
    must(CALL(cmacSign, k, in, n, out), "cmacSign");
    must(CALL(cmacVerify, k, in, n, out, 16), "cmacVerify");
    must(CALL(cmacBegin, k, USE_VERIFY), "cmacBegin");
    must(CALL(cmacUpdate, in, n), "cmacUpdate");
    must(CALL(cmacEndVerify, out, 16), "cmacEndVerify");
  }
}

static void hashes(void) {
  fill(in, 400);
  CALL(sha256Digest, in, 400, out);
  u32 k = key(KEY_HMAC_SHA256, 32);
  fill(in, 400);
  must(CALL(hmacSha256Sign, k, in, 400, out), "sign");
  must(CALL(hmacSha256Verify, k, in, 400, out, 32), "verify");
  u32 z = key(KEY_SECRET, 32);
  must(CALL(hkdfSha256, z, in, 10, in, 20, out, 100), "hkdf");
  must(CALL(hkdfSha256Session, z, in, 10, in, 20, ALL, ALL, out), "session");
}

static void framing(void) {
  for (u32 format = FORMAT_JSON; format <= FORMAT_CBOR; format++) {
    u32 enc = key(KEY_AES, 16), mac = key(KEY_HMAC_SHA256, 32);
    refill();
    memcpy(memory + in, "id", 2);
    fill(in + 2, 300);
    int32_t length = CALL(chunkSeal, format, enc, mac, 2, 300, 0, 1, 0, 2, 1);
    must(length, "chunkSeal");
    u32 at = (u32)w2c_core_resultPtr(&core);
    public(at, (u32)length);
    move(in, at, (u32)length);
    must(CALL(chunkOpen, enc, mac, (u32)length), "chunkOpen");
    refill();
    memcpy(memory + in, "id", 2);
    fill(in + 2, 300);
    length = CALL(pairSeal, format, enc, mac, 2, 300);
    must(length, "pairSeal");
    at = (u32)w2c_core_resultPtr(&core);
    public(at, (u32)length + 32);
    move(in, at, (u32)length + 32);
    must(CALL(pairOpen, enc, mac, (u32)length), "pairOpen");
    CALL(slotsClear);
  }
}

static void x25519(void) {
  refill();
  int32_t own = CALL(x25519Generate, ALL, out);
  must(own, "generate");
  public(out, 32);
  move(in, out, 32);
  must(CALL(x25519Agree, (u32)own, in, ALL), "agree");
  must(CALL(x25519PublicKey, (u32)own, out), "public");
}

static void p256(void) {
  refill();
  int32_t own = CALL(p256Generate, ALL, out);
  must(own, "generate");
  public(out, 65);
  move(in + 64, out, 65);
  fill(in, 32);
  int32_t other = CALL(p256Import, ALL, in);
  must(other, "import");
  must(CALL(p256PublicKey, (u32)other, out), "public");
  must(CALL(p256Agree, (u32)other, in + 64, 65, ALL), "agree");
}

static void ecdsa(void) {
  fill(in, 32);
  int32_t own = CALL(p256Import, ALL, in);
  must(own, "import");
  memset(memory + in, 5, 32);
  must(CALL(ecdsaP256Sign, (u32)own, in, out), "sign");
  must(CALL(ecdsaP256SignDer, (u32)own, in, out), "sign, DER");
}

static void diffie_hellman(void) {
  refill();
  int32_t own = CALL(dhGenerate, DH_GROUP14, 0, 0, 0, 0, ALL, out);
  must(own, "dhGenerate");
  public(out, 256);
  move(in, out, 256);
  must(CALL(dhAgreeSession, (u32)own, in, 256, ALL, ALL, out), "dhAgreeSession");
}

static void rsa(void) {
  refill();
  int32_t slot = CALL(rsaGenerate, 2048, ALL & ~USE_EXPORT);
  must(slot, "rsaGenerate");
  must(CALL(rsaPublicKey, (u32)slot, out), "rsaPublicKey");
  public(out, 260);
  move(in, out, 256);
  refill();
  fill(in + 1024, 32);
  must(CALL(rsaOaepEncrypt, in, 256, 65537, HASH_SHA256, in + 1024, 32, out), "rsaOaepEncrypt");
  public(out, 256);
  must(CALL(rsaOaepDecrypt, (u32)slot, HASH_SHA256, out, 256, in + 2048), "rsaOaepDecrypt");
  memory[out + 255] ^= 1;
  if (CALL(rsaOaepDecrypt, (u32)slot, HASH_SHA256, out, 256, in + 2048) != ERR_BAD_PADDING) must(-1, "a wrong padding");
  refill();
  must(CALL(rsaPkcs1Encrypt, in, 256, 65537, in + 1024, 16, out), "rsaPkcs1Encrypt");
  public(out, 256);
  must(CALL(rsaPkcs1OpenSlot, (u32)slot, out, 256, 16, KEY_AES, ALL), "rsaPkcs1OpenSlot");
  must(CALL(rsaPkcs1Decrypt, (u32)slot, out, 256, in + 2048), "rsaPkcs1Decrypt");
  /* A wrong padding is no error, and no other path. */
  memory[out + 255] ^= 1;
  must(CALL(rsaPkcs1OpenSlot, (u32)slot, out, 256, 16, KEY_AES, ALL), "rsaPkcs1OpenSlot, wrong padding");
  must(CALL(rsaPkcs1Decrypt, (u32)slot, out, 256, in + 2048), "rsaPkcs1Decrypt, wrong padding");
  memset(memory + in + 1024, 5, 32);
  must(CALL(rsaPkcs1Sign, (u32)slot, in + 1024, out), "rsaPkcs1Sign");
}

static void slots(void) {
  u32 k = key(KEY_AES, 32);
  refill();
  int32_t length = CALL(slotEvict, k, out);
  must(length, "evict");
  must(CALL(slotRestore, out, (u32)length), "restore");
  VALGRIND_MAKE_MEM_DEFINED(memory, CORE_MEMORY_BYTES); /* the restored head came out of a cipher */
  refill();
  must(CALL(slotGenerate, KEY_HMAC_SHA256, ALL, 32), "generate");
  static const char text[] = "AAECAwQFBgcICQoLDA0ODw==";
  memcpy(memory + in, text, 24);
  secret(in, 22);
  must(CALL(slotImportBase64, KEY_AES, ALL, in, 24), "base64");
}

static void long_macs(void) {
  fill(in, 300);
  CALL(sha384Digest, in, 300, out);
  CALL(sha512Digest, in, 300, out);
  for (u32 length = 20; length <= 128; length += 54) {
    u32 k = key(KEY_HMAC_SHA384, length);
    fill(in, 300);
    must(CALL(hmacSha384Sign, k, in, 300, out), "sign384");
    must(CALL(hmacSha384Verify, k, in, 300, out, 48), "verify384");
    k = key(KEY_HMAC_SHA512, length);
    fill(in, 300);
    must(CALL(hmacSha512Sign, k, in, 300, out), "sign512");
    must(CALL(hmacSha512Verify, k, in, 300, out, 64), "verify512");
    CALL(slotsClear);
  }
}

static void drbg(void) {
  refill();
  must(CALL(drbgInstantiate, 48, in, 0), "instantiate");
  must(CALL(drbgGenerate, out, 200), "generate");
  CALL(drbgUninstantiate);
}

static void sealing(void) {
  u32 enc = key(KEY_AES, 16), mac = key(KEY_HMAC_SHA256, 32);
  for (u32 n = 0; n <= 700; n += 100) {
    memset(memory + in, 3, 64);
    fill(in + 64, 4 * n);
    int32_t length = CALL(sealCbcHmac, enc, mac, in, in + 64, n, out);
    must(length, "seal");
    public(out, (u32)length);
    move(in, out, (u32)length);
    must(CALL(openCbcHmac, enc, mac, in, (u32)length, out), "open");
    memset(memory + in, 3, 64);
    fill(in + 64, 4 * n);
    must(CALL(seal4CbcHmac, enc, mac, in, in + 64, n, out), "seal4");
    memset(memory + in, 3, 16);
    must(CALL(sealStreamBegin, enc, mac, in), "begin");
    fill(in, 64 + n);
    must(CALL(sealStreamBlocks, in, 64, out), "blocks");
    must(CALL(sealStreamEnd, in + 64, n, out), "end");
  }
}

/* The control: a comparison that stops at the first difference. */
static int leaky_equal(const uint8_t* a, const uint8_t* b, int n) {
  for (int i = 0; i < n; i++)
    if (a[i] != b[i]) return 0;
  return 1;
}

static void leak(void) {
  fill(in, 16);
  fill(out, 16);
  volatile int sink = leaky_equal(memory + in, memory + out, 16);
  (void)sink;
}

static const struct {
  const char* name;
  void (*run)(void);
} SCENARIOS[] = {
    {"aes-cbc", aes_cbc}, {"aes-gcm", aes_gcm}, {"cmac", cmac}, {"bad-padding", bad_padding}, {"key-wrap", key_wrap}, {"hashes", hashes},
    {"framing", framing}, {"x25519", x25519}, {"p256", p256}, {"ecdsa", ecdsa},           {"slots", slots},
    {"diffie-hellman", diffie_hellman}, {"rsa", rsa},       {"long-macs", long_macs}, {"drbg", drbg}, {"sealing", sealing}, {"leak", leak},
};

int main(int argc, char** argv) {
  wasm2c_core_instantiate(&core);
  memory = w2c_core_memory(&core)->data;
  in = w2c_core_stageInPtr(&core);
  out = w2c_core_stageOutPtr(&core);
  refill();
  for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
    if (argc < 2) puts(SCENARIOS[i].name);
    else if (strcmp(argv[1], SCENARIOS[i].name) == 0) {
      SCENARIOS[i].run();
      return 0;
    }
  }
  return argc < 2 ? 0 : 3;
}
