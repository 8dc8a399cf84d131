// Limits of the data model ("MSL" constants) and of our codecs.

/** Largest id, serial number and sequence number: 2^53. One more is not a safe integer, so ids are stepped by named functions. */
export const MAX_ID = 9007199254740992;
/** Deepest nesting of objects and arrays that either codec reads or writes. */
export const MAX_DEPTH = 32;
/**
 * Most values (members and elements, at any depth) that one encoded object may hold. A message has hundreds at most;
 * without a bound, a hostile object of `{},{},…` would cost a hundred times its size in memory.
 */
export const MAX_VALUES = 65536;
