// A TCP relay on loopback that counts what crosses it: payload bytes each way, and round trips, that is how often the
// client spoke and then had to wait for the server.

import { type AddressInfo, connect, createServer } from "node:net";

export interface Crossing {
  readonly toServer: number;
  readonly toClient: number;
  readonly roundTrips: number;
}

export interface CountingProxy {
  readonly port: number;
  /** What crossed since the last call. */
  take(): Crossing;
  close(): Promise<void>;
}

export async function countingProxy(targetPort: number): Promise<CountingProxy> {
  let toServer = 0;
  let toClient = 0;
  let roundTrips = 0;
  let isServersTurn = false;
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      toServer += bytes.length;
      isServersTurn = true;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      toClient += bytes.length;
      if (isServersTurn) roundTrips++;
      isServersTurn = false;
      client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const crossing = { toServer, toClient, roundTrips };
      toServer = 0;
      toClient = 0;
      roundTrips = 0;
      isServersTurn = false;
      return crossing;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
