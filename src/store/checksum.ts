// CRC-32 (IEEE 802.3), bit by bit: tells a half-written value from a whole one. No protection against intent.

/** Eight hexadecimal digits over the generation and the bytes. */
export function checksum(bytes: Uint8Array, generation: number): string {
  let crc = ~0;
  const take = (byte: number) => {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  };
  for (const digit of String(generation)) take(digit.charCodeAt(0));
  for (const byte of bytes) take(byte);
  return (~crc >>> 0).toString(16).padStart(8, "0");
}
