// Public entry of a peer: `tinymsl/peer`. Portable; `tinymsl/node` supplies Node's environment.
export type {
  MslPeer,
  PeerConfig,
  PeerHandler,
  PeerIncoming,
  PeerReceived,
  PeerReceiveOptions,
  PeerRequest,
  PeerRequestInit,
  PeerResponseInit,
  PeerServeOptions,
  PeerSession,
  SessionOptions,
} from "./control/peer-api.ts";
export { createPeer } from "./control/peer.ts";
export type { Connection } from "./platform/transport.ts";
