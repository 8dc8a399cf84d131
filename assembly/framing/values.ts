// What a reader found in one flat object, by label: where a string or byte string lies, or a number or boolean.

const COUNT: i32 = 32;
const ENTRY: i32 = 16;
const VALUES: usize = memory.data(512, 16);

export const KIND_NONE: i32 = 0;
/** JSON string (still Base64 where it carries bytes), CBOR text string. */
export const KIND_TEXT: i32 = 1;
/** CBOR byte string. */
export const KIND_BYTES: i32 = 2;
export const KIND_NUMBER: i32 = 3;
export const KIND_BOOLEAN: i32 = 4;

export function clearValues(): void {
  for (let i = 0; i < COUNT * ENTRY; i += 8) store<u64>(VALUES + i, 0);
}

export function valueKind(label: i32): i32 {
  return load<i32>(VALUES + ((label * ENTRY) as usize));
}

export function valueLen(label: i32): i32 {
  return load<i32>(VALUES + ((label * ENTRY) as usize), 4);
}

export function valuePtr(label: i32): usize {
  return load<u64>(VALUES + ((label * ENTRY) as usize), 8) as usize;
}

/** Value of a number or boolean (0, 1). */
export function valueInt(label: i32): i64 {
  return load<i64>(VALUES + ((label * ENTRY) as usize), 8);
}

export function setSpan(label: i32, kind: i32, ptr: usize, len: i32): void {
  const entry = VALUES + ((label * ENTRY) as usize);
  store<i32>(entry, kind);
  store<i32>(entry, len, 4);
  store<u64>(entry, ptr as u64, 8);
}

export function setInt(label: i32, kind: i32, value: i64): void {
  const entry = VALUES + ((label * ENTRY) as usize);
  store<i32>(entry, kind);
  store<i64>(entry, value, 8);
}
