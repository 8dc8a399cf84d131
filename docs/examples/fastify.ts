// An MSL server inside a Fastify application: the route takes the raw request, Fastify's own parsing is out of the way.

import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { createMetrics } from "tinymsl/server";
import { nodeHandler } from "tinymsl/transport/server";
import { device, server } from "./network.js";

const metrics = createMetrics();
const msl = await server({ onEvent: metrics.onEvent });
const handler = nodeHandler((reader, writer, options) =>
  msl.receive(reader, writer, async (request) => ({ body: `Hello ${request.sender}` }), options),
);

const app = Fastify();
await app.register(async (scope) => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  scope.route({
    method: ["POST", "OPTIONS"],
    url: "/msl",
    handler(request, reply) {
      reply.hijack();
      handler(request.raw, reply.raw);
    },
  });
});
app.get("/metrics", async (_request, reply) => reply.type("text/plain").send(metrics.text()));

await app.listen({ host: "127.0.0.1", port: 0 });
const { port } = app.server.address() as AddressInfo;
const tv = await device(`http://127.0.0.1:${port}/msl`);
const reply = await tv.request({ body: "what may I watch?", timeoutMs: 5000 });
console.log(await reply.text());
const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
console.log((await answer.text()).split("\n").find((line) => line.startsWith("msl_exchanges_total")));
await tv.close();
app.server.closeAllConnections();
await app.close();
