// The primes of the built-in groups, big-endian bytes written as little-endian 64-bit words. A test recomputes them
// from the digits of pi (RFC 3526 §3) and e (RFC 7919 §A.1, §A.2).

// biome-ignore-start format: tables
/** RFC 3526 §3: 2048-bit MODP group 14. */
export const GROUP14: usize = memory.data<u64>([
  0xffffffffffffffff, 0x34c26821a2da0fc9, 0xd11cdc808b62c6c4, 0x74cc678a084e0229, 0x229b133ba6be0b02,
  0xdd04348e79084a51, 0x1b433acdb31995ef, 0x37145ff26d0a2b30, 0x45c2516d6d35e14f, 0xc67e5e6276b585e4,
  0x6bed37a6e9424cf4, 0xedb706f4b65cff0b, 0xa59f895afb6b38ee, 0xe61f4b7c11249fae, 0x3d5be4ec51662849,
  0x05bf63a1b87c00c2, 0x9ad3551c3648da98, 0x5fcf24fda83f1669, 0x96ada3dc235d6583, 0xbb52852056f3621c,
  0x6d9696700729d59e, 0x0498bc4a4e350c67, 0x7c2118ca086c74f1, 0x3bce362e465e9032, 0x03860e182c779ee3,
  0x8fa207eca283279b, 0xc9524c6ff05dc5b5, 0x18175895f6cb2bde, 0xe56a95ea7c499539, 0x1005fa981826d215,
  0x68aaac8a5a8e7215, 0xffffffffffffffff,
], 16);

/** RFC 7919 §A.1. */
export const FFDHE2048: usize = memory.data<u64>([
  0xffffffffffffffff, 0x9a4abba25854f8ad, 0xf13c3d272056dcaf, 0x95362dce83c5b9d8, 0xfb3364144136e1a9,
  0xf93e9b24ce9d93cc, 0xd8750c6363e32f7d, 0x7a61c4ae02b281f6, 0x6165fdd5d51edfd3, 0xd06e065f1ff53324,
  0xf31aed3d55656385, 0x35c9577f5e1357b5, 0x778be6e0700c4f98, 0x72e8eff3da89a6e2, 0x35e7ad36a158f11d,
  0x7a793a484fcaac30, 0x61fb24b382b10abc, 0xfbe3c8b24ba908d1, 0x68f4d760b7da6ab9, 0xf44d39dea3424f1d,
  0x19bb7263e7ed56ae, 0x706d0aeec8a7070b, 0xece2f7cde1fc029e, 0x612f3428cd0434c0, 0xff8385e99cfe7291,
  0x8381f2ee32124f8e, 0x73ad6f4c1b3bfec3, 0x0520c22ebcfcb53b, 0xb283167d83f18ec5, 0xfaefb2c1264af3c6,
  0x975c286138426b88, 0xffffffffffffffff,
], 16);

/** RFC 7919 §A.2. */
export const FFDHE3072: usize = memory.data<u64>([
  0xffffffffffffffff, 0x9a4abba25854f8ad, 0xf13c3d272056dcaf, 0x95362dce83c5b9d8, 0xfb3364144136e1a9,
  0xf93e9b24ce9d93cc, 0xd8750c6363e32f7d, 0x7a61c4ae02b281f6, 0x6165fdd5d51edfd3, 0xd06e065f1ff53324,
  0xf31aed3d55656385, 0x35c9577f5e1357b5, 0x778be6e0700c4f98, 0x72e8eff3da89a6e2, 0x35e7ad36a158f11d,
  0x7a793a484fcaac30, 0x61fb24b382b10abc, 0xfbe3c8b24ba908d1, 0x68f4d760b7da6ab9, 0xf44d39dea3424f1d,
  0x19bb7263e7ed56ae, 0x706d0aeec8a7070b, 0xece2f7cde1fc029e, 0x612f3428cd0434c0, 0xff8385e99cfe7291,
  0x8381f2ee32124f8e, 0x73ad6f4c1b3bfec3, 0x0520c22ebcfcb53b, 0xb283167d83f18ec5, 0xfaefb2c1264af3c6,
  0xdccf1f6138426b88, 0x5b0319653b5b35de, 0x38029cf9def434bc, 0x07c9e6d6c96fb461, 0xeef7f791261dd97a,
  0x1cd986c1fab08c59, 0x709213850913feae, 0x447943bc930c13b4, 0xd34dd7e25244fdf4, 0xff4bf5711ee2f264,
  0x9ef69d9cab82ae5c, 0x0d3a3622c52b6de8, 0xdaea0d9b9721c5ab, 0x4e48c4d5429abf1d, 0xefdd53fa6bd0bc0a,
  0x7c9dd53fee201b3c, 0x372ec6662b1de425, 0xffffffffffffffff,
], 16);
// biome-ignore-end format: tables
