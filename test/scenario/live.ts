// A server and a device whose bytes flow as they come, over each transport that carries them so.

import type { ClientConfig, MslClient, RequestHandler, ServerConfig } from "../../src/control/api.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { httpTransport } from "../../src/transport/http-node.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { listen } from "../../src/transport/server-node.ts";
import { tcpListen, tcpTransport } from "../../src/transport/tcp-node.ts";
import { World } from "./world.ts";

export const CARRIERS = ["loopback", "TCP", "HTTP"] as const;

export interface Live {
  readonly world: World;
  readonly transport: Transport;
  device(overrides?: Partial<ClientConfig>): Promise<MslClient>;
  close(): Promise<void>;
}

/** A device on `carrier` and the server at the other end of it. */
export async function live(
  carrier: (typeof CARRIERS)[number],
  handler: RequestHandler,
  server: Partial<ServerConfig> = {},
): Promise<Live> {
  const world = await World.create({ handler, server });
  const closes: (() => Promise<void> | void)[] = [];
  const transport = await carry(world, carrier, closes);
  return {
    world,
    transport,
    device: (overrides = {}) => world.device({ transport, ...overrides }),
    async close() {
      for (const close of closes) await close();
      await world.close();
    },
  };
}

async function carry(
  world: World,
  carrier: (typeof CARRIERS)[number],
  closes: (() => Promise<void> | void)[],
): Promise<Transport> {
  if (carrier === "loopback") return loopbackTransport((reader, writer) => world.serve(reader, writer));
  if (carrier === "TCP") {
    const listener = await tcpListen(({ reader, writer }) => world.serve(reader, writer));
    closes.push(() => listener.close(0));
    return tcpTransport(listener.url);
  }
  const listening = await listen((reader, writer) => world.serve(reader, writer));
  const transport = httpTransport(listening.url);
  closes.push(
    () => transport.close(),
    () => listening.close(0),
  );
  return transport;
}
