// The same request over TLS 1.3: Node's own TLS, a server certificate, a fresh connection, one HTTP request and its
// answer. The device is not authenticated there; a client certificate would add to it.

import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { type Crossing, countingProxy } from "./counting-proxy.ts";
import { TLS_CERTIFICATE, TLS_PRIVATE_KEY } from "./tls-keys.ts";

export async function measureTls(body: string): Promise<Crossing> {
  const server = createServer({ key: TLS_PRIVATE_KEY, cert: TLS_CERTIFICATE, minVersion: "TLSv1.3" }, (req, res) => {
    let text = "";
    req.setEncoding("utf8");
    req.on("data", (part: string) => {
      text += part;
    });
    req.on("end", () => {
      const answer = Buffer.from(`ECHO:${text}`);
      res.writeHead(200, { "content-type": "application/octet-stream", "content-length": answer.length });
      res.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const proxy = await countingProxy((server.address() as AddressInfo).port);
  try {
    await post(proxy.port, body);
    return proxy.take();
  } finally {
    await proxy.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function post(port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    // The test certificate names no host; what is measured is what crosses the wire.
    const options = {
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/msl",
      agent: false,
      rejectUnauthorized: false,
    } as const;
    const headers = { "content-type": "application/octet-stream", "content-length": bytes.length };
    const req = request({ ...options, headers }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (part: string) => {
        text += part;
      });
      res.on("end", () => (text === `ECHO:${body}` ? resolve() : reject(new Error("the TLS server answered wrongly"))));
    });
    req.on("error", reject);
    req.end(bytes);
  });
}
