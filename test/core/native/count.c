/* Fixed amounts of work for counting instructions: `count NAME` sets up, and does the work once or, as `count NAME 0`,
   not at all, so that the difference of two runs is the work alone. Without a name it lists them. */

#include <stdio.h>
#include <string.h>
#include "abi.inc"
#include "core.h"

static w2c_core core;
static uint8_t* memory;
static u32 in, out, enc, mac;

#define CALL(name, ...) must((int32_t)w2c_core_##name(&core, ##__VA_ARGS__), #name)

static u32 must(int32_t status, const char* what) {
  if (status >= 0) return (u32)status;
  fprintf(stderr, "%s: %d\n", what, status);
  exit(2);
}

static u32 fill(u32 at, u32 length) {
  for (u32 i = 0; i < length; i++) memory[at + i] = (uint8_t)(i * 151 + 7);
  return at;
}

static u32 key(u32 type, u32 length) { return CALL(slotImport, type, 255, fill(in, length), length); }

static u32 seal(u32 format, u32 length) {
  memcpy(memory + in, "id", 2);
  fill(in + 2, length);
  return CALL(chunkSeal, format, enc, mac, 2, length, 0, 1, 0, 2, 1);
}

static u32 wire;

static void before_open(u32 format) {
  wire = seal(format, 1024);
  memmove(memory + in, memory + CALL(resultPtr), wire);
}

static void seal_json(void) { seal(FORMAT_JSON, 1024); }
static void seal_cbor(void) { seal(FORMAT_CBOR, 1024); }
static void open_json_setup(void) { before_open(FORMAT_JSON); }
static void open_cbor_setup(void) { before_open(FORMAT_CBOR); }
static void open_it(void) { CALL(chunkOpen, enc, mac, wire); }
static void nothing(void) {}

static u32 scalar;
static void x25519_setup(void) { scalar = key(KEY_X25519, 32); fill(out, 32); }
static void x25519(void) { CALL(x25519Agree, scalar, out, 255); }

static u32 p256_key, p256_peer_len;
static void p256_setup(void) {
  p256_key = CALL(p256Generate, 255, out);
  must((int32_t)w2c_core_p256Generate(&core, 255, in), "p256Generate");
  p256_peer_len = 65;
}
static void p256(void) { CALL(p256Agree, p256_key, in, p256_peer_len, 255); }
static void p256_generate(void) { CALL(p256Generate, 255, out); }

static void sealing_setup(void) { fill(in, 1040); }
static void raw_seal(void) { CALL(sealCbcHmac, enc, mac, in, in + 16, 1024, out); }
static u32 sealed;
static void raw_open_setup(void) {
  fill(in, 1040);
  sealed = CALL(sealCbcHmac, enc, mac, in, in + 16, 1024, out);
}
static void raw_open(void) { CALL(openCbcHmac, enc, mac, out, sealed, in); }

static const struct {
  const char* name;
  void (*setup)(void);
  void (*work)(void);
} ROWS[] = {
    {"seal JSON 1024", nothing, seal_json},
    {"seal CBOR 1024", nothing, seal_cbor},
    {"open JSON 1024", open_json_setup, open_it},
    {"open CBOR 1024", open_cbor_setup, open_it},
    {"seal bytes 1024", sealing_setup, raw_seal},
    {"open bytes 1024", raw_open_setup, raw_open},
    {"x25519", x25519_setup, x25519},
    {"P-256 agreement", p256_setup, p256},
    {"P-256 generation", p256_setup, p256_generate},
};

int main(int argc, char** argv) {
  wasm2c_core_instantiate(&core);
  memory = w2c_core_memory(&core)->data;
  in = w2c_core_stageInPtr(&core);
  out = w2c_core_stageOutPtr(&core);
  fill(w2c_core_entropyPtr(&core), ENTROPY_POOL_SIZE);
  w2c_core_entropyFill(&core, ENTROPY_POOL_SIZE);
  enc = key(KEY_AES, 16);
  mac = key(KEY_HMAC_SHA256, 32);
  for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
    if (argc < 2) puts(ROWS[i].name);
    else if (strcmp(argv[1], ROWS[i].name) == 0) {
      ROWS[i].setup();
      if (argc < 3) ROWS[i].work();
      return 0;
    }
  }
  return argc < 2 ? 0 : 3;
}
