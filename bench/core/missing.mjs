/** Something optional, or not built, is not there: the row is reported as missing with this sentence. */
export class Missing extends Error {}
