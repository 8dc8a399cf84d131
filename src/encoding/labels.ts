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
