// TCP on Node: one connection that carries many messages both ways. The listener bounds what strangers can hold:
// connections, silence, and messages that do not end.

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { MslTransportError } from "../errors/msl-error.ts";
import { type CancelSignal, watchCancel } from "../platform/signal.ts";
import type { ByteReader, ByteWriter, Connection, Transport } from "../platform/transport.ts";

export interface TcpOptions {
  /** Silence after which the connection is dropped. Default 60 000. */
  readonly idleMs?: number;
  /** Time to connect in. Default 10 000. */
  readonly connectMs?: number;
  readonly signal?: CancelSignal | null;
}

export interface TcpListenOptions {
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Silence after which a connection is dropped. Default 60 000. */
  readonly idleMs?: number;
  /** Connections at a time; above it the one silent longest gives way. Default 2048. */
  readonly maxConnections?: number;
  /** Failures of connections. */
  readonly onError?: (error: unknown) => void;
  /** Connections that begin with a letter, as HTTP does and no MSL message: theirs to serve. */
  readonly onHttp?: (socket: Socket) => void;
}

export interface TcpListener {
  /** `tcp://host:port` */
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  /** Stops accepting, lets connections that are not silent finish for `graceMs`, then drops them. */
  close(graceMs?: number): Promise<void>;
}

const IDLE_MS = 60_000;
const CONNECT_MS = 10_000;

/** Connects to `tcp://host:port`. @throws MslTransportError, the signal's reason */
export function tcpConnect(url: string | URL, options: TcpOptions = {}): Promise<Connection> {
  return connectTo(url, options, false);
}

function connectTo(url: string | URL, options: TcpOptions, allowHalfOpen: boolean): Promise<Connection> {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== "tcp:" || port === "") {
    return Promise.reject(new MslTransportError("A tcp URL with a port is needed.", false));
  }
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  const socket = connect({ host, port: Number(port), noDelay: true, allowHalfOpen });
  const signal = options.signal ?? null;
  return new Promise<Connection>((resolve, reject) => {
    const unwatch = watchCancel(signal, () => socket.destroy(new MslTransportError("Aborted.", false)));
    const timer = setTimeout(
      () => socket.destroy(new MslTransportError("Connecting took too long.", true)),
      options.connectMs ?? CONNECT_MS,
    );
    const failed = (error: unknown) => {
      clearTimeout(timer);
      unwatch();
      reject(transportError(error));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      unwatch();
      socket.off("error", failed);
      resolve(socketConnection(socket, options.idleMs ?? IDLE_MS));
    });
  });
}

/** A transport to a trusted server that listens for TCP: a connection for each exchange, both ways at once. */
export function tcpTransport(url: string | URL, options: Omit<TcpOptions, "signal"> = {}): Transport {
  return {
    async open({ signal }) {
      const connection = await connectTo(url, { ...options, signal }, true);
      const unwatch = watchCancel(signal, () => connection.abort());
      const { reader, writer, abort } = connection;
      const cancel = () => {
        unwatch();
        reader.cancel();
      };
      return { duplex: "full", writer, reader: { read: () => reader.read(), cancel }, abort };
    },
  };
}

/** A connection over a socket that is open. */
export function socketConnection(socket: Socket, idleMs: number = IDLE_MS): Connection {
  socket.setTimeout(idleMs, () => socket.destroy(new MslTransportError("The connection was silent too long.", true)));
  let failure: MslTransportError | null = null;
  socket.on("error", (error) => {
    failure = transportError(error);
  });
  const writer = new SocketWriter(socket, () => failure);
  return {
    reader: socketReader(socket, () => failure),
    writer,
    abort: () => socket.destroy(),
  };
}

function socketReader(socket: Socket, failureOf: () => MslTransportError | null): ByteReader {
  // At the end of what arrives, this side may still be sending.
  const iterator: AsyncIterator<Uint8Array> = socket.iterator({ destroyOnReturn: false });
  let isOver = false;
  return {
    async read() {
      if (isOver) return null;
      try {
        const next = await iterator.next();
        isOver = next.done === true;
        return next.done === true ? null : next.value;
      } catch (error) {
        isOver = true;
        throw failureOf() ?? transportError(error);
      }
    },
    cancel() {
      isOver = true;
      // What was written still leaves.
      socket.destroySoon();
    },
  };
}

class SocketWriter implements ByteWriter {
  readonly #socket: Socket;
  readonly #failureOf: () => MslTransportError | null;

  constructor(socket: Socket, failureOf: () => MslTransportError | null) {
    this.#socket = socket;
    this.#failureOf = failureOf;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) throw this.#gone();
    if (socket.write(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(this.#gone());
      socket.once("close", gone);
      socket.once("drain", () => {
        socket.off("close", gone);
        resolve();
      });
    });
  }

  #gone(): MslTransportError {
    return this.#failureOf() ?? new MslTransportError("The connection is closed.", true);
  }

  async end(): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end();
  }
}

/** Listens; `serve` has a connection until the promise settles, and the connection is closed then. */
export async function tcpListen(
  serve: (connection: Connection) => Promise<void>,
  options: TcpListenOptions = {},
): Promise<TcpListener> {
  const host = options.host ?? "127.0.0.1";
  const idleMs = options.idleMs ?? IDLE_MS;
  const limit = options.maxConnections ?? 2048;
  // In the order of their last sign of life.
  const sockets = new Set<Socket>();
  const alive = (socket: Socket) => {
    if (sockets.delete(socket)) sockets.add(socket);
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.pause();
    socket.setTimeout(idleMs, () => socket.destroy());
    if (sockets.size > limit) for (const oldest of sockets) return void drop(oldest, socket);
    run(socket);
  });
  const drop = (oldest: Socket, socket: Socket) => {
    oldest.destroy();
    if (oldest !== socket) run(socket);
  };
  const run = (socket: Socket) => {
    const { onHttp } = options;
    if (onHttp === undefined) return start(socket);
    socket.on("error", () => {});
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return void socket.destroy();
      socket.unshift(first);
      if (isLetter(first[0]!)) return onHttp(socket);
      start(socket);
    });
  };
  const start = (socket: Socket) => {
    serve(noting(socketConnection(socket, idleMs), () => alive(socket)))
      .catch((error) => options.onError?.(error))
      .finally(() => socket.destroySoon());
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `tcp://${shown}:${port}`,
    port,
    get connections() {
      return sockets.size;
    },
    close: (graceMs = 5000) => closeListener(server, sockets, graceMs),
  };
}

/** Tells of each piece that arrives. */
function noting(connection: Connection, arrived: () => void): Connection {
  const { reader } = connection;
  return {
    ...connection,
    reader: {
      async read() {
        const bytes = await reader.read();
        arrived();
        return bytes;
      },
      cancel: () => reader.cancel(),
    },
  };
}

function isLetter(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

async function closeListener(server: Server, sockets: Set<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(timer);
}

function transportError(error: unknown): MslTransportError {
  if (error instanceof MslTransportError) return error;
  const code = (error as { code?: unknown }).code;
  return new MslTransportError(typeof code === "string" ? `${code}.` : "The connection failed.", true, error);
}
