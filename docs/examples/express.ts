// An MSL server inside an Express application. Mount it before body parsers: it reads the request itself.

import type { AddressInfo } from "node:net";
import express from "express";
import { nodeHandler } from "tinymsl/transport/server";
import { device, server } from "./network.js";

const msl = await server();
const app = express();
app.use(
  "/msl",
  nodeHandler(
    (reader, writer, options) =>
      msl.receive(reader, writer, async (request) => ({ body: `Hello ${request.sender}` }), options),
    { path: null, cors: ["https://tv.example"], onError: (error) => console.error(error) },
  ),
);
app.use(express.json());
app.get("/health", (_req, res) => void res.json({ ok: true }));

const listening = app.listen(0, "127.0.0.1", async () => {
  const { port } = listening.address() as AddressInfo;
  const tv = await device(`http://127.0.0.1:${port}/msl`);
  const reply = await tv.request({ body: "what may I watch?", timeoutMs: 5000 });
  console.log(await reply.text());
  const health = await fetch(`http://127.0.0.1:${port}/health`);
  console.log(await health.text());
  await tv.close();
  listening.closeAllConnections();
  listening.close();
});
