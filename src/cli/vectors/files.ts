// All vector files that the runner knows, by name. Anything else in a folder is a failure.

import { ASYMMETRIC_FILE } from "./asymmetric.ts";
import { BASE64_FILE } from "./base64.ts";
import { COMPRESSION_FILE } from "./compression.ts";
import { CIPHERTEXT_ENVELOPE_FILE, SIGNATURE_ENVELOPE_FILE } from "./envelopes.ts";
import { ENTITY_AUTH_FILE } from "./entity-auth.ts";
import { ERROR_FILE } from "./errors.ts";
import { JOSE_FILE } from "./jose.ts";
import { KEY_EXCHANGE_FILE } from "./key-exchange.ts";
import { MASTER_TOKEN_FILE } from "./master-tokens.ts";
import { MESSAGE_FILE } from "./messages.ts";
import { PEER_FILE } from "./messages-p2p.ts";
import { NEGATIVE_MESSAGE_FILE } from "./messages-negative.ts";
import { MISC_FILE } from "./misc.ts";
import { SERVICE_TOKEN_FILE } from "./service-tokens.ts";
import type { FileSpec } from "./spec.ts";
import { SYMMETRIC_FILE } from "./symmetric.ts";
import { USER_AUTH_FILE } from "./user-auth.ts";
import { USER_ID_TOKEN_FILE } from "./user-id-tokens.ts";

const SPECS: readonly FileSpec[] = [
  ASYMMETRIC_FILE,
  BASE64_FILE,
  CIPHERTEXT_ENVELOPE_FILE,
  COMPRESSION_FILE,
  ENTITY_AUTH_FILE,
  ERROR_FILE,
  JOSE_FILE,
  KEY_EXCHANGE_FILE,
  MASTER_TOKEN_FILE,
  MESSAGE_FILE,
  NEGATIVE_MESSAGE_FILE,
  MISC_FILE,
  PEER_FILE,
  SERVICE_TOKEN_FILE,
  SIGNATURE_ENVELOPE_FILE,
  SYMMETRIC_FILE,
  USER_AUTH_FILE,
  USER_ID_TOKEN_FILE,
];

export const FILES: ReadonlyMap<string, FileSpec> = new Map(SPECS.map((spec) => [spec.file, spec]));
