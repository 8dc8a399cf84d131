// The exports of a core build, as the bridge calls them. A test compares this list with the binaries.

export interface CoreExports {
  readonly memory: { readonly buffer: ArrayBufferLike };
  aesCbcDecrypt(slot: number, iv: number, ptr: number, len: number, out: number): number;
  aesCbcDecryptBlocks(slot: number, iv: number, ptr: number, len: number, out: number): number;
  aesCbcEncrypt(slot: number, iv: number, ptr: number, len: number, out: number): number;
  aesCbcEncryptBlocks(slot: number, iv: number, ptr: number, len: number, out: number): number;
  aesGcmOpen(slot: number, iv: number, aad: number, aadLen: number, ptr: number, len: number, out: number): number;
  aesGcmSeal(slot: number, iv: number, aad: number, aadLen: number, ptr: number, len: number, out: number): number;
  aesUnwrapBytes(slot: number, ptr: number, len: number, out: number): number;
  aesUnwrapSlot(slot: number, ptr: number, len: number, type: number, usage: number): number;
  aesWrapBytes(slot: number, ptr: number, len: number, out: number): number;
  aesWrapSlot(slot: number, key: number, out: number): number;
  base64Decode(ptr: number, len: number, out: number): number;
  base64Encode(ptr: number, len: number, out: number): number;
  base64UrlDecode(ptr: number, len: number, out: number): number;
  base64UrlEncode(ptr: number, len: number, out: number): number;
  chunkFlags(): number;
  chunkMidHi(): number;
  chunkMidLo(): number;
  chunkOpen(enc: number, mac: number, len: number): number;
  chunkSeal(
    format: number,
    enc: number,
    mac: number,
    keyIdLen: number,
    dataLen: number,
    seqHi: number,
    seqLo: number,
    midHi: number,
    midLo: number,
    flags: number,
  ): number;
  chunkSeqHi(): number;
  chunkSeqLo(): number;
  cmacBegin(slot: number, usage: number): number;
  cmacEnd(out: number): number;
  cmacEndVerify(tag: number, tagLen: number): number;
  cmacSign(slot: number, ptr: number, len: number, out: number): number;
  cmacUpdate(ptr: number, len: number): number;
  cmacVerify(slot: number, ptr: number, len: number, tag: number, tagLen: number): number;
  deriveWrapSlot(enc: number, mac: number, usage: number): number;
  drbgGenerate(out: number, len: number): number;
  drbgInstantiate(entropyLen: number, pers: number, persLen: number): number;
  drbgUninstantiate(): number;
  dhAgreeSession(slot: number, peer: number, peerLen: number, usageEnc: number, usageMac: number, out: number): number;
  dhGenerate(group: number, p: number, pLen: number, g: number, gLen: number, usage: number, out: number): number;
  dhImport(
    group: number,
    p: number,
    pLen: number,
    g: number,
    gLen: number,
    x: number,
    xLen: number,
    usage: number,
    out: number,
  ): number;
  ecdsaP256Sign(slot: number, digest: number, out: number): number;
  ecdsaP256SignDer(slot: number, digest: number, out: number): number;
  ecdsaP256Verify(pub: number, pubLen: number, digest: number, digestLen: number, sig: number, sigLen: number): number;
  entropyFill(n: number): number;
  entropyLeft(): number;
  entropyPtr(): number;
  freeSlots(): number;
  hkdfSha256(
    secret: number,
    salt: number,
    saltLen: number,
    info: number,
    infoLen: number,
    out: number,
    outLen: number,
  ): number;
  hkdfSha256Session(
    secret: number,
    salt: number,
    saltLen: number,
    info: number,
    infoLen: number,
    usageEnc: number,
    usageMac: number,
    out: number,
  ): number;
  hmacSha256Begin(slot: number, usage: number): number;
  hmacSha256End(out: number): number;
  hmacSha256EndVerify(tag: number, tagLen: number): number;
  hmacSha256Sign(slot: number, ptr: number, len: number, out: number): number;
  hmacSha256Update(ptr: number, len: number): number;
  hmacSha256Verify(slot: number, ptr: number, len: number, tag: number, tagLen: number): number;
  hmacSha384Begin(slot: number, usage: number): number;
  hmacSha384End(out: number): number;
  hmacSha384EndVerify(tag: number, tagLen: number): number;
  hmacSha384Sign(slot: number, ptr: number, len: number, out: number): number;
  hmacSha384Update(ptr: number, len: number): number;
  hmacSha384Verify(slot: number, ptr: number, len: number, tag: number, tagLen: number): number;
  hmacSha512Begin(slot: number, usage: number): number;
  hmacSha512End(out: number): number;
  hmacSha512EndVerify(tag: number, tagLen: number): number;
  hmacSha512Sign(slot: number, ptr: number, len: number, out: number): number;
  hmacSha512Update(ptr: number, len: number): number;
  hmacSha512Verify(slot: number, ptr: number, len: number, tag: number, tagLen: number): number;
  openCbcHmac(enc: number, mac: number, ptr: number, len: number, out: number): number;
  p256Agree(slot: number, peer: number, peerLen: number, usage: number): number;
  p256Generate(usage: number, out: number): number;
  p256Import(usage: number, ptr: number): number;
  p256PublicKey(slot: number, out: number): number;
  pairOpen(enc: number, mac: number, len: number): number;
  pairSeal(format: number, enc: number, mac: number, keyIdLen: number, plainLen: number): number;
  resultPtr(): number;
  rsaGenerate(bits: number, usage: number): number;
  rsaGenerateBegin(bits: number, usage: number): number;
  rsaGenerateStep(slot: number): number;
  rsaImport(n: number, nLen: number, e: number, d: number, dLen: number, usage: number): number;
  rsaImportPrimes(
    n: number,
    nLen: number,
    e: number,
    p: number,
    pLen: number,
    q: number,
    qLen: number,
    usage: number,
  ): number;
  rsaOaepDecrypt(slot: number, hash: number, ct: number, len: number, out: number): number;
  rsaOaepEncrypt(n: number, nLen: number, e: number, hash: number, ptr: number, len: number, out: number): number;
  rsaOaepOpenSlot(slot: number, hash: number, ct: number, len: number, type: number, usage: number): number;
  rsaOaepSealSlot(n: number, nLen: number, e: number, hash: number, slot: number, out: number): number;
  rsaPkcs1Decrypt(slot: number, ct: number, len: number, out: number): number;
  rsaPkcs1Encrypt(n: number, nLen: number, e: number, ptr: number, len: number, out: number): number;
  rsaPkcs1OpenSlot(slot: number, ct: number, len: number, keyLen: number, type: number, usage: number): number;
  rsaPkcs1SealSlot(n: number, nLen: number, e: number, slot: number, out: number): number;
  rsaPkcs1Sign(slot: number, digest: number, out: number): number;
  rsaPkcs1Verify(n: number, nLen: number, e: number, digest: number, sig: number, sigLen: number): number;
  rsaPublicKey(slot: number, out: number): number;
  scanFeed(len: number): number;
  seal4CbcHmac(enc: number, mac: number, iv: number, ptr: number, len: number, out: number): number;
  sealCbcHmac(enc: number, mac: number, iv: number, ptr: number, len: number, out: number): number;
  sealStreamBegin(enc: number, mac: number, iv: number): number;
  sealStreamBlocks(ptr: number, len: number, out: number): number;
  sealStreamDrop(): number;
  sealStreamEnd(ptr: number, len: number, out: number): number;
  sha1Digest(ptr: number, len: number, out: number): number;
  sha256Begin(): number;
  sha256Digest(ptr: number, len: number, out: number): number;
  sha256End(out: number): number;
  sha256Feed(ptr: number, len: number): number;
  sha384Begin(): number;
  sha384Digest(ptr: number, len: number, out: number): number;
  sha384End(out: number): number;
  sha384Feed(ptr: number, len: number): number;
  sha512Begin(): number;
  sha512Digest(ptr: number, len: number, out: number): number;
  sha512End(out: number): number;
  sha512Feed(ptr: number, len: number): number;
  slotClear(slot: number): number;
  slotEvict(slot: number, out: number): number;
  slotExport(slot: number, out: number): number;
  slotGenerate(type: number, usage: number, len: number): number;
  slotImport(type: number, usage: number, ptr: number, len: number): number;
  slotImportBase64(type: number, usage: number, ptr: number, len: number): number;
  slotLength(slot: number): number;
  slotRestore(ptr: number, len: number): number;
  slotType(slot: number): number;
  slotsClear(): number;
  stageInPtr(): number;
  stageOutPtr(): number;
  stageWipe(lenIn: number, lenOut: number): number;
  x25519Agree(slot: number, peer: number, usage: number): number;
  x25519Generate(usage: number, out: number): number;
  x25519PublicKey(slot: number, out: number): number;
}
