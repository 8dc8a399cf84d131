// Integer labels of member names in CBOR: the label is the index. Never renumbered; new names are appended.

// biome-ignore format: six to a row
export const LABEL_NAMES: readonly string[] = [
  "signature", "payload", "headerdata", "mastertoken", "tokendata", "keyid",
  "iv", "ciphertext", "sha256", "sequencenumber", "messageid", "endofmsg",
  "data", "timestamp", "renewable", "handshake", "nonreplayableid", "useridtoken",
  "serialnumber", "expiration", "renewalwindow", "sessiondata", "mtserialnumber", "userdata",
  "algorithm", "authdata", "capabilities", "cipherspec", "compressionalgo", "compressionalgos",
  "email", "encoderformats", "encrypted", "encryptionalgorithm", "encryptionkey", "entityauthdata",
  "errorcode", "errordata", "errormsg", "hmackey", "identity", "internalcode",
  "issuerdata", "keydata", "keypairid", "keyrequestdata", "keyresponsedata", "keyxschemes",
  "languages", "mechanism", "name", "nonreplayable", "parametersid", "password",
  "peermastertoken", "peerservicetokens", "peeruseridtoken", "profile", "pskid", "pubkeyid",
  "publickey", "root", "scheme", "sender", "servicedata", "servicetokens",
  "signaturealgorithm", "signaturekey", "suffix", "uitserialnumber", "userauthdata", "usermsg",
  "version", "wrapdata", "wrapkey", "x509certificate",
];

/** Label of a name; names outside the table travel as text. */
export const LABELS: ReadonlyMap<string, number> = new Map(LABEL_NAMES.map((name, label) => [name, label]));

/** Names by their length and three of their characters, so that a decoder finds them without making a string first. */
const BUCKETS: readonly string[][] = LABEL_NAMES.reduce<string[][]>(
  (buckets, name) => {
    const { length } = name;
    const at = (i: number) => name.charCodeAt(i);
    buckets[bucketOf(length, at(0), at(length >> 1), at(length - 1))]!.push(name);
    return buckets;
  },
  Array.from({ length: 256 }, () => []),
);

function bucketOf(length: number, first: number, middle: number, last: number): number {
  return (length * 5 + first * 31 + middle * 7 + last * 17) & 255;
}

/** The name of the table that stands in these bytes, or null. */
export function knownName(bytes: Uint8Array, from: number, to: number): string | null {
  const length = to - from;
  if (length < 2) return null;
  const bucket = BUCKETS[bucketOf(length, bytes[from]!, bytes[from + (length >> 1)]!, bytes[to - 1]!)]!;
  for (let n = 0; n < bucket.length; n++) {
    const name = bucket[n]!;
    if (name.length !== length) continue;
    let i = 0;
    while (i < length && name.charCodeAt(i) === bytes[from + i]) i++;
    if (i === length) return name;
  }
  return null;
}
