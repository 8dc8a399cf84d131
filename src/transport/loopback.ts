// A transport to a server in the same process: no sockets, the same back-pressure. For tests and for devices that embed
// their peer.

import type { Transport } from "../platform/transport.ts";
import { type MessageEndpoint, Pipe } from "./pipe.ts";

export function loopbackTransport(endpoint: MessageEndpoint): Transport {
  return {
    async open() {
      const request = new Pipe();
      const response = new Pipe();
      endpoint(request, response, { signal: null }).then(
        () => response.end(),
        () => response.fail("The server failed."),
      );
      return {
        duplex: "full",
        writer: request,
        reader: response,
        abort() {
          request.fail("Aborted.");
          response.fail("Aborted.");
        },
      };
    },
  };
}
