/* core.c as a Node addon, for tests and benchmarks: `createExports()` gives an object of the same shape as a
   WebAssembly instance's exports: functions of 32-bit integers, and `memory.buffer`. */

#include <node_api.h>
#include <stdatomic.h>
#include "core.h"

typedef u32 (*core_fn)();

typedef struct {
  const char* name;
  core_fn fn;
  int arity;
} core_export;

static const core_export EXPORTS[] = {
#define CORE_EXPORT(name, arity) {#name, (core_fn)w2c_core_##name, arity},
#include "exports.inc"
#undef CORE_EXPORT
};
#define EXPORT_COUNT (sizeof EXPORTS / sizeof EXPORTS[0])
#define MAX_ARITY 12

typedef u32 (*f12)(w2c_core*, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32);

typedef struct {
  w2c_core core;
} instance;

typedef struct {
  instance* at;
  const core_export* what;
} bound;

/* Every export takes 32-bit integers in registers or on the stack, callee-independent on the ABIs that Node runs on, so
   one call with spare zeros at the end would do; the switch keeps to what C defines. */
static u32 call(core_fn fn, int arity, w2c_core* c, const u32* a) {
  switch (arity) {
    case 0: return ((u32(*)(w2c_core*))fn)(c);
    case 1: return ((u32(*)(w2c_core*, u32))fn)(c, a[0]);
    case 2: return ((u32(*)(w2c_core*, u32, u32))fn)(c, a[0], a[1]);
    case 3: return ((u32(*)(w2c_core*, u32, u32, u32))fn)(c, a[0], a[1], a[2]);
    case 4: return ((u32(*)(w2c_core*, u32, u32, u32, u32))fn)(c, a[0], a[1], a[2], a[3]);
    case 5: return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32))fn)(c, a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32))fn)(c, a[0], a[1], a[2], a[3], a[4], a[5]);
    case 7:
      return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32, u32))fn)(c, a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    case 8:
      return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32, u32, u32))fn)(
          c, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    case 9:
      return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32, u32, u32, u32))fn)(
          c, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
    case 10:
      return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32))fn)(
          c, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
    case 11:
      return ((u32(*)(w2c_core*, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32))fn)(
          c, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]);
    default:
      return ((f12)fn)(c, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
  }
}

static napi_value invoke(napi_env env, napi_callback_info info) {
  size_t argc = MAX_ARITY;
  napi_value argv[MAX_ARITY];
  void* data;
  u32 args[MAX_ARITY] = {0};
  napi_get_cb_info(env, info, &argc, argv, NULL, &data);
  const bound* b = data;
  for (size_t i = 0; i < argc && i < MAX_ARITY; i++) {
    int32_t value = 0;
    napi_get_value_int32(env, argv[i], &value);
    args[i] = (u32)value;
  }
  napi_value result;
  napi_create_int32(env, (int32_t)call(b->what->fn, b->what->arity, &b->at->core, args), &result);
  return result;
}

/* Worker threads share the static memories: one at a time takes one or gives it back. */
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void) {
  while (atomic_flag_test_and_set(&busy)) {
  }
}

static void release(napi_env env, void* data, void* hint) {
  (void)env;
  (void)data;
  instance* at = hint;
  lock();
  wasm2c_core_free(&at->core);
  atomic_flag_clear(&busy);
  free(at);
}

static napi_value create(napi_env env, napi_callback_info info) {
  (void)info;
  instance* at = calloc(1, sizeof *at);
  lock();
  wasm2c_core_instantiate(&at->core);
  atomic_flag_clear(&busy);
  napi_value exports, memory, buffer;
  napi_create_object(env, &exports);
  napi_create_object(env, &memory);
  wasm_rt_memory_t* mem = w2c_core_memory(&at->core);
  napi_create_external_arraybuffer(env, mem->data, mem->size, release, at, &buffer);
  napi_set_named_property(env, memory, "buffer", buffer);
  napi_set_named_property(env, exports, "memory", memory);
  for (size_t i = 0; i < EXPORT_COUNT; i++) {
    bound* b = malloc(sizeof *b);
    b->at = at;
    b->what = &EXPORTS[i];
    napi_value fn, arity;
    napi_create_function(env, EXPORTS[i].name, NAPI_AUTO_LENGTH, invoke, b, &fn);
    /* `length` is how many arguments the export takes, as for WebAssembly. */
    napi_create_int32(env, EXPORTS[i].arity, &arity);
    napi_property_descriptor length = {
        .utf8name = "length", .value = arity, .attributes = napi_configurable};
    napi_define_properties(env, fn, 1, &length);
    napi_set_named_property(env, exports, EXPORTS[i].name, fn);
  }
  return exports;
}

NAPI_MODULE_INIT() {
  napi_value fn;
  napi_create_function(env, "createExports", NAPI_AUTO_LENGTH, create, NULL, &fn);
  napi_set_named_property(env, exports, "createExports", fn);
  return exports;
}
