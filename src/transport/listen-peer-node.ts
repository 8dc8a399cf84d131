// One port for peers on Node, whatever their messages travel on: TCP, one connection for all of them, or HTTP, an
// exchange for each. The first byte of a connection tells which.

import { createServer } from "node:http";
import type { Connection } from "../platform/transport.ts";
import type { MessageEndpoint } from "./pipe.ts";
import { type ListenOptions, nodeHandler } from "./server-node.ts";
import { tcpListen } from "./tcp-node.ts";

export interface ListeningPeer {
  /** `tcp://host:port` */
  readonly url: string;
  /** `http://host:port/msl`, the same port. */
  readonly httpUrl: string;
  readonly port: number;
  close(graceMs?: number): Promise<void>;
}

/** @param serve  has a connection until it settles  @param answer  answers an exchange */
export async function listenForPeers(
  serve: (connection: Connection) => Promise<void>,
  answer: MessageEndpoint,
  options: ListenOptions = {},
): Promise<ListeningPeer> {
  const idleMs = options.idleMs ?? 60_000;
  const http = createServer({
    headersTimeout: options.headersMs ?? 10_000,
    requestTimeout: options.requestMs ?? 120_000,
    keepAliveTimeout: idleMs,
    maxHeaderSize: 8192,
  });
  http.on("request", nodeHandler(answer, { ...options, idleMs }));
  http.on("clientError", (_error, socket) => socket.destroy());
  const { host, port, maxConnections, onError } = options;
  const listener = await tcpListen(serve, {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(maxConnections !== undefined && { maxConnections }),
    ...(onError !== undefined && { onError }),
    idleMs,
    onHttp: (socket) => http.emit("connection", socket),
  });
  return {
    url: listener.url,
    httpUrl: `${listener.url.replace("tcp:", "http:")}${options.path ?? "/msl"}`,
    port: listener.port,
    async close(graceMs) {
      http.closeIdleConnections();
      await listener.close(graceMs);
      http.closeAllConnections();
    },
  };
}
