// Public entry of a device: `tinymsl/client`. Portable; `tinymsl/node` supplies Node's environment.
export type {
  Body,
  BodySource,
  CallOptions,
  ClientConfig,
  ClientSession,
  Environment,
  Incoming,
  KeyExchangeSupport,
  LocalEntity,
  MessageReport,
  MslClient,
  Outgoing,
  Protection,
  ReadLimits,
  RequestInit,
  SendInit,
  ServiceTokenBinding,
  ServiceTokenEditor,
  ServiceTokenHooks,
  Subscription,
  UserSession,
} from "./control/api.ts";
export { createClient } from "./control/client.ts";
export { type Core, createCore, type KeyHandle } from "./core/core.ts";
export {
  type Attempt,
  type CoreBytes,
  type CoreKind,
  type JavaScriptCore,
  type StartedCore,
  type StartOptions,
  startCore,
  type WebAssemblyHost,
} from "./core/start.ts";
export type { CryptoContext, OpaqueSession, RestoreSession, SessionKeys } from "./crypto/crypto-context.ts";
export type { CompressionAlgorithm } from "./encoding/compression.ts";
export * from "./errors/codes.ts";
export * from "./errors/msl-error.ts";
export { compression } from "./message/body.ts";
export type { CancelSignal } from "./platform/signal.ts";
export type { ByteReader, ByteWriter, Exchange, Transport } from "./platform/transport.ts";
export type { ClearableStorage, StateStorage } from "./store/snapshot-storage.ts";
