/* The runtime of core.c: what the C that wasm2c writes asks for, and nothing that the core does not use. Memory is
   fixed and static (CORE_INSTANCES of them, 1 by default), nothing grows, no signals, no threads, no exceptions.
   The core never traps; should it, `core_trap` is called, which must not return: abort() unless the program that links
   the core defines CORE_TRAP. Bounds are checked on every access. Little-endian hosts only. */
#ifndef TINYMSL_WASM_RT_H
#define TINYMSL_WASM_RT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "core.c expects a little-endian host"
#endif

#ifndef CORE_INSTANCES
#define CORE_INSTANCES 1
#endif
#define CORE_MEMORY_BYTES 131072

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif
#if defined(__GNUC__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CORE_NORETURN __attribute__((noreturn))
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define CORE_NORETURN
#endif

#define WABT_BIG_ENDIAN 0
#define WASM_RT_USE_SEGUE 0
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_SANITY_CHECKS 0
#define WASM_RT_MEMCHECK_GUARD_PAGES 0
#define WASM_RT_MEMCHECK_BOUNDS_CHECK 1
#define wasm_rt_memcpy memcpy

typedef enum {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT,
  WASM_RT_TRAP_UNCAUGHT_EXCEPTION,
  WASM_RT_TRAP_UNALIGNED,
  WASM_RT_TRAP_EXHAUSTION
} wasm_rt_trap_t;

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_V128 } wasm_rt_type_t;

CORE_NORETURN void core_trap(int code);
#define wasm_rt_trap(code) core_trap(code)

/* Where an address of linear memory lies. One instance alone has its memory at a place that the compiler knows. */
#if CORE_INSTANCES == 1
extern uint8_t core_memory[CORE_MEMORY_BYTES];
#define CORE_ADDRESS(mem, addr) (&core_memory[addr])
#else
#define CORE_ADDRESS(mem, addr) (&((mem)->data[addr]))
#endif

static inline bool wasm_rt_is_initialized(void) { return true; }

typedef struct {
  uint8_t* data;
  uint64_t pages, max_pages, page_size, size;
  bool is64;
} wasm_rt_memory_t;

void wasm_rt_allocate_memory(wasm_rt_memory_t*, uint64_t initial, uint64_t max, bool is64, uint32_t page_size);
void wasm_rt_free_memory(wasm_rt_memory_t*);

/* Tables: the core has none, the generated helpers name their types all the same. */
typedef const char* wasm_rt_func_type_t;
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct wasm_rt_tailcallee {
  void (*fn)(void**, void*, struct wasm_rt_tailcallee*);
} wasm_rt_tailcallee_t;
typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void* module_instance;
} wasm_rt_funcref_t;
typedef void* wasm_rt_externref_t;
typedef struct {
  wasm_rt_funcref_t* data;
  uint32_t max_size, size;
} wasm_rt_funcref_table_t;
typedef struct {
  wasm_rt_externref_t* data;
  uint32_t max_size, size;
} wasm_rt_externref_table_t;
#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){NULL, NULL, {NULL}, NULL})
#define wasm_rt_externref_null_value ((wasm_rt_externref_t){NULL})

#endif
