// Constants that the build gives with `--use`, decided at compile time: what is not chosen is not compiled.

/** 1 in the build that becomes core.js: arithmetic of 32-bit integers and doubles, since 64-bit integers are emulated there. */
declare const CORE_JS: bool;

/** 1 in the builds tuned for size: rolled loops where speed costs bytes. */
declare const CORE_SMALL: bool;
