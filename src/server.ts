// Public entry of a trusted server: `tinymsl/server`.
export type {
  MessageReport,
  MslServer,
  RejectInit,
  RequestHandler,
  ResponseInit,
  ServerConfig,
  ServerRequest,
} from "./control/api.ts";
export type { ExchangeEvent, ServerEvent } from "./control/events.ts";
export { createMetrics, LATENCY_BOUNDS, type Metrics, type MetricsSnapshot } from "./control/metrics.ts";
export { createServer } from "./control/server.ts";
export { slotContext } from "./crypto/symmetric.ts";
export { compression } from "./message/body.ts";
export type {
  EntityStanding,
  IssuerState,
  LineKind,
  LineRenewal,
  NewLine,
  ReplayMode,
  ReplayQuestion,
  ReplayVerdict,
  TokenLine,
  UserStanding,
} from "./tokens/issuer-state.ts";
export { type Administration, administration } from "./tokens/administration.ts";
export { type TokenKeyRing, tokenKeyRing, tokenKeys, type TokenCrypto } from "./tokens/token-crypto.ts";
export { createTokenIssuer, type IssuerConfig, type TokenIssuer, type TokenLife } from "./tokens/token-issuer.ts";
