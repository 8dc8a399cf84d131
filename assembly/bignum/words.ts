// Whole numbers without a modulus: little-endian 32-bit words, aligned, all [secret]. What keys are made and put
// together with; the work is small beside a power, so 64-bit integers serve core.js too. Time depends on sizes only.

/** Number of `n` words from `len` ≤ 4n bytes big-endian. */
export function wordsFromBytes(out: usize, n: i32, ptr: usize, len: i32): void {
  for (let i = 0; i < n << 2; i++) {
    store<u8>(out + (i as usize), i < len ? load<u8>(ptr + ((len - 1 - i) as usize)) : 0);
  }
}

/** The low `len` bytes, big-endian, of a number of `n` words. */
export function wordsToBytes(ptr: usize, len: i32, a: usize, n: i32): void {
  for (let i = 0; i < len; i++) {
    store<u8>(ptr + ((len - 1 - i) as usize), i < n << 2 ? load<u8>(a + (i as usize)) : 0);
  }
}

function at(a: usize, i: i32): u64 {
  return load<u32>(a + ((i << 2) as usize)) as u64;
}

function put(a: usize, i: i32, value: u64): void {
  store<u32>(a + ((i << 2) as usize), value as u32);
}

/** out += a * small, over `n` words of a. Returns the word carried out. */
function addProduct(out: usize, a: usize, n: i32, small: u64): u64 {
  let carry: u64 = 0;
  for (let i = 0; i < n; i++) {
    carry += at(a, i) * small + at(out, i);
    put(out, i, carry);
    carry >>= 32;
  }
  return carry;
}

/** out = a * b + out's low n words: 2n words, whose upper half is written anew. */
export function wordsMulAdd(out: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n; i++) put(out, n + i, 0);
  for (let i = 0; i < n; i++) {
    const carry = addProduct(out + ((i << 2) as usize), a, n, at(b, i));
    put(out, n + i, carry);
  }
}

/** out = a * small + add, n + 1 words. */
export function wordsMulSmall(out: usize, a: usize, n: i32, small: u32, add: u32): void {
  let carry = add as u64;
  for (let i = 0; i < n; i++) {
    carry += at(a, i) * (small as u64);
    put(out, i, carry);
    carry >>= 32;
  }
  put(out, n, carry);
}

/** a mod m, bit by bit: no division. @param m  [public] 1..2^32-1 */
export function wordsModSmall(a: usize, n: i32, m: u32): u32 {
  let rest: u64 = 0;
  for (let i = n - 1; i >= 0; i--) {
    const word = at(a, i);
    for (let bit: u64 = 0; bit < 32; bit++) {
      rest = (rest << 1) | ((word >> (31 - bit)) & 1);
      const less = rest - (m as u64);
      rest = less + ((m as u64) & (((less as i64) >> 63) as u64));
    }
  }
  return rest as u32;
}

/** -1/odd mod 2^32, by Newton's iteration. */
function negatedInverse(odd: u32): u32 {
  let inverse = odd;
  for (let i = 0; i < 4; i++) inverse *= 2 - odd * inverse;
  return 0 - inverse;
}

/** a = a / b mod 2^(32n), from the lowest word up: the quotient if b divides a (Jebelean 1993). b: m words, odd. */
export function wordsDivideExact(a: usize, n: i32, b: usize, m: i32): void {
  const factor = negatedInverse(load<u32>(b));
  for (let i = 0; i < n; i++) {
    // a + q * b * 2^(32i) has a zero word i, so -q is the quotient's digit mod 2^(32n); it is kept negated.
    // (In a local of its own: a load inside a 64-bit expression is compiled as 64 bits wide.)
    const word: u32 = load<u32>(a + ((i << 2) as usize));
    const q = (word * factor) as u64;
    let carry: u64 = 0;
    for (let j = 0; j < m && i + j < n; j++) {
      carry += at(b, j) * q + at(a, i + j);
      put(a, i + j, carry);
      carry >>= 32;
    }
    for (let j = i + m; j < n; j++) {
      carry += at(a, j);
      put(a, j, carry);
      carry >>= 32;
    }
    put(a, i, q);
  }
  let carry: u64 = 1;
  for (let i = 0; i < n; i++) {
    carry += ~at(a, i) & 0xffffffff;
    put(a, i, carry);
    carry >>= 32;
  }
}

/** a >>= number of its trailing zero bits, up to 63; 64 steps, each by one bit or none. */
export function wordsMakeOdd(a: usize, n: i32): void {
  for (let step = 0; step < 63; step++) {
    const even = (load<u32>(a) & 1) - 1;
    for (let i = 0; i < n; i++) {
      const word = load<u32>(a + ((i << 2) as usize));
      const next = i + 1 < n ? load<u32>(a + (((i + 1) << 2) as usize)) : 0;
      const half = (word >> 1) | (next << 31);
      store<u32>(a + ((i << 2) as usize), word ^ (even & (word ^ half)));
    }
  }
}

/** a = gcd(a, b), b = 0; a is odd. Binary, 64n steps: each halves one of the two. */
export function wordsGcd(a: usize, b: usize, n: i32): void {
  for (let step = 0; step < n << 6; step++) {
    let borrow: i64 = 0;
    for (let i = 0; i < n; i++) borrow = ((at(b, i) as i64) - (at(a, i) as i64) + borrow) >> 63;
    // b odd: b = |b - a|, a = min(a, b), then b is even in any case and is halved.
    const odd = 0 - (at(b, 0) & 1);
    const swap = odd & (borrow as u64);
    let carry: i64 = 0;
    let previous: u64 = 0;
    for (let i = 0; i < n; i++) {
      const x = at(a, i);
      const y = at(b, i);
      const diff = (x ^ y) & swap;
      put(a, i, x ^ diff);
      carry += ((y ^ diff) as i64) - (((x ^ diff) & odd) as i64);
      const word = (carry as u64) & 0xffffffff;
      carry >>= 32;
      if (i > 0) put(b, i - 1, (previous >> 1) | (word << 31));
      previous = word;
    }
    put(b, n - 1, previous >> 1);
  }
}

/**
 * 1/a mod m, 0 if there is none. Binary extended Euclid, 64 steps.
 *
 * @param a  [secret] below m
 * @param m  [public] odd, 3..2^32-1
 */
export function inverseSmall(a: u32, m: u32): u32 {
  const mod = m as u64;
  let u = a as u64;
  let v = mod;
  // u = x * a, v = y * a (mod m).
  let x: u64 = 1;
  let y: u64 = 0;
  for (let step = 0; step < 64; step++) {
    const odd = 0 - (u & 1);
    const swap = odd & ((((u - v) as i64) >> 63) as u64);
    let t = (u ^ v) & swap;
    u ^= t;
    v ^= t;
    t = (x ^ y) & swap;
    x ^= t;
    y ^= t;
    u = (u - (v & odd)) >> 1;
    x -= y & odd;
    x += mod & (((x as i64) >> 63) as u64);
    x = (x + (mod & (0 - (x & 1)))) >> 1;
  }
  const ok = 0 - (((v ^ 1) - 1) >> 63);
  return (y & ok) as u32;
}
