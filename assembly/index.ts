// The WASM ABI: re-exports and nothing else. `src/core/abi.ts` holds the integers, docs/ARCHITECTURE.md the rules.
export { stageInPtr, stageOutPtr, entropyPtr } from "./memory/layout";
