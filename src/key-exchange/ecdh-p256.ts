// P-256 for ECDH: `ecdh({ core, curves: ["X25519", "P-256"], p256: p256Curve })`.

import { p256Agree, p256Generate } from "../core/p256.ts";
import type { EcdhP256 } from "./ecdh.ts";

export const p256Curve: EcdhP256 = { generate: (core) => p256Generate(core), agree: p256Agree };
