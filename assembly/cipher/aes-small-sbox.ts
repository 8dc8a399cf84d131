// The AES S-box of the small builds as a Boolean circuit over eight bit planes: Boyar and Peralta, "A small depth-16 circuit for the AES
// S-box" (2011), 128 gates. Straight-line code: no branch and no address depends on data.

import { scratchPop, scratchPush } from "../memory/scratch";

/**
 * SubBytes, FIPS 197 §5.1.1.
 *
 * @param q  [secret] eight u64 planes, plane k holding bit k of 64 bytes; replaced
 */
export function subBytes(q: usize): void {
  const x7 = load<u64>(q);
  const x6 = load<u64>(q, 8);
  const x5 = load<u64>(q, 16);
  const x4 = load<u64>(q, 24);
  const x3 = load<u64>(q, 32);
  const x2 = load<u64>(q, 40);
  const x1 = load<u64>(q, 48);
  const x0 = load<u64>(q, 56);

  // Top linear layer.
  const y14 = x3 ^ x5;
  const y13 = x0 ^ x6;
  const y9 = x0 ^ x3;
  const y8 = x0 ^ x5;
  const t0 = x1 ^ x2;
  const y1 = t0 ^ x7;
  const y4 = y1 ^ x3;
  const y12 = y13 ^ y14;
  const y2 = y1 ^ x0;
  const y5 = y1 ^ x6;
  const y3 = y5 ^ y8;
  const t1 = x4 ^ y12;
  const y15 = t1 ^ x5;
  const y20 = t1 ^ x1;
  const y6 = y15 ^ x7;
  const y10 = y15 ^ t0;
  const y11 = y20 ^ y9;
  const y7 = x7 ^ y11;
  const y17 = y10 ^ y11;
  const y19 = y10 ^ y8;
  const y16 = t0 ^ y11;
  const y21 = y13 ^ y16;
  const y18 = x0 ^ y16;

  // Inversion in GF(2^8) through GF(2^4).
  const t2 = y12 & y15;
  const t4 = (y3 & y6) ^ t2;
  const t6 = (y4 & x7) ^ t2;
  const t7 = y13 & y16;
  const t9 = (y5 & y1) ^ t7;
  const t11 = (y2 & y7) ^ t7;
  const t12 = y9 & y11;
  const t14 = (y14 & y17) ^ t12;
  const t16 = (y8 & y10) ^ t12;
  const t21 = t4 ^ t14 ^ y20;
  const t22 = t6 ^ t16 ^ y19;
  const t23 = t9 ^ t14 ^ y21;
  const t24 = t11 ^ t16 ^ y18;
  const t25 = t21 ^ t22;
  const t26 = t21 & t23;
  const t27 = t24 ^ t26;
  const t29 = (t25 & t27) ^ t22;
  const t30 = t23 ^ t24;
  const t31 = t22 ^ t26;
  const t33 = (t31 & t30) ^ t24;
  const t34 = t23 ^ t33;
  const t35 = t27 ^ t33;
  const t36 = t24 & t35;
  const t37 = t36 ^ t34;
  const t38 = t27 ^ t36;
  const t40 = t25 ^ (t29 & t38);
  const t41 = t40 ^ t37;
  const t42 = t29 ^ t33;
  const t43 = t29 ^ t40;
  const t44 = t33 ^ t37;
  const t45 = t42 ^ t41;
  const z0 = t44 & y15;
  const z1 = t37 & y6;
  const z2 = t33 & x7;
  const z3 = t43 & y16;
  const z4 = t40 & y1;
  const z5 = t29 & y7;
  const z6 = t42 & y11;
  const z7 = t45 & y17;
  const z8 = t41 & y10;
  const z9 = t44 & y12;
  const z10 = t37 & y3;
  const z11 = t33 & y4;
  const z12 = t43 & y13;
  const z13 = t40 & y5;
  const z14 = t29 & y2;
  const z15 = t42 & y9;
  const z16 = t45 & y14;
  const z17 = t41 & y8;

  // Bottom linear layer, with the constant 0x63.
  const t46 = z15 ^ z16;
  const t47 = z10 ^ z11;
  const t48 = z5 ^ z13;
  const t49 = z9 ^ z10;
  const t50 = z2 ^ z12;
  const t51 = z2 ^ z5;
  const t52 = z7 ^ z8;
  const t53 = z0 ^ z3;
  const t54 = z6 ^ z7;
  const t55 = z16 ^ z17;
  const t56 = z12 ^ t48;
  const t57 = t50 ^ t53;
  const t58 = z4 ^ t46;
  const t59 = z3 ^ t54;
  const t60 = t46 ^ t57;
  const t61 = z14 ^ t57;
  const t62 = t52 ^ t58;
  const t63 = t49 ^ t58;
  const t64 = z4 ^ t59;
  const t65 = t61 ^ t62;
  const t66 = z1 ^ t63;
  const t67 = t64 ^ t65;
  const s3 = t53 ^ t66;
  store<u64>(q, t48 ^ ~t60);
  store<u64>(q, t56 ^ ~t62, 8);
  store<u64>(q, t47 ^ t65, 16);
  store<u64>(q, t51 ^ t66, 24);
  store<u64>(q, s3, 32);
  store<u64>(q, t55 ^ ~t67, 40);
  store<u64>(q, t64 ^ ~s3, 48);
  store<u64>(q, t59 ^ t63, 56);
}

/**
 * InvSubBytes, FIPS 197 §5.3.2. With S(x) = A(1/x) ⊕ 0x63 and B the inverse of the linear map A:
 * S⁻¹(y) = B(S(B(y ⊕ 0x63)) ⊕ 0x63), so the one circuit serves both directions.
 */
export function invSubBytes(q: usize): void {
  undoAffine(q);
  subBytes(q);
  undoAffine(q);
}

/** B(y ⊕ 0x63): bit i of the result is y[i+2] ⊕ y[i+5] ⊕ y[i+7], indices mod 8, and B(0x63) is 0x05. */
function undoAffine(q: usize): void {
  const old = scratchPush(64);
  for (let i = 0; i < 64; i += 8) store<u64>(old + i, load<u64>(q + i));
  for (let i = 0; i < 8; i++) {
    const sum = plane(old, i + 2) ^ plane(old, i + 5) ^ plane(old, i + 7);
    store<u64>(q + (i << 3), sum ^ -((0x05 >> i) & 1));
  }
  scratchPop(64);
}

function plane(q: usize, i: i32): u64 {
  return load<u64>(q + ((i & 7) << 3));
}
