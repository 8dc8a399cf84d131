/* Memory and the way out of core.c: see wasm-rt.h. */

#include "wasm-rt.h"

#if CORE_INSTANCES == 1
uint8_t core_memory[CORE_MEMORY_BYTES];
static uint8_t* const memories[] = {core_memory};
#else
static uint8_t memories[CORE_INSTANCES][CORE_MEMORY_BYTES];
#endif
static bool taken[CORE_INSTANCES];

void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint64_t initial, uint64_t max, bool is64, uint32_t page_size) {
  for (int i = 0; i < CORE_INSTANCES; i++) {
    if (taken[i] || initial * page_size != CORE_MEMORY_BYTES) continue;
    taken[i] = true;
    memset(memories[i], 0, CORE_MEMORY_BYTES);
    memory->data = memories[i];
    memory->pages = initial;
    memory->max_pages = max;
    memory->page_size = page_size;
    memory->size = CORE_MEMORY_BYTES;
    memory->is64 = is64;
    return;
  }
  core_trap(WASM_RT_TRAP_EXHAUSTION);
}

void wasm_rt_free_memory(wasm_rt_memory_t* memory) {
  for (int i = 0; i < CORE_INSTANCES; i++) {
    if (memory->data != memories[i]) continue;
    memset(memories[i], 0, CORE_MEMORY_BYTES);
    taken[i] = false;
  }
}

#ifndef CORE_TRAP
void core_trap(int code) {
  (void)code;
  abort();
}
#endif
