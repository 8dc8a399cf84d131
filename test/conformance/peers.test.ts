// Peers on the wire: what protects the payload of a message that answers a key exchange.

import { describe, expect, test } from "vitest";
import { decodeObject } from "../../src/encoding/codec.ts";
import { pair, settled } from "../peer/pair.ts";
import { FORMATS } from "./kit.ts";

describe.each(FORMATS)("%s", (format) => {
  test("CTL-43 a message between peers that answers a key exchange has its payload under its header's keys", async () => {
    const { a, b, wire, session, served } = await pair({ formats: [format] }, { formats: [format] });
    const reply = await session.request({ body: "hello" });
    expect(await reply.text()).toBe("ECHO:hello");
    await settled(() => b.reports.length >= 2);
    const answer = b.reports.find((report) => report.direction === "out" && report.keyx.length > 0);
    expect(answer?.entityScheme).toBe("PSK");
    const scanner = b.core.createScanner(1e7);
    for (const piece of wire.fromB.pieces) scanner.push(piece);
    const head = decodeObject(scanner.next()!.slice(), "header");
    expect(head.has("entityauthdata")).toBe(true);
    const payload = decodeObject(scanner.next()!.slice(), "chunk").bytes("payload");
    // The envelope of the ciphertext names the key that it is under: the pre-shared one of the sender.
    const { keyid } = decodeObject(payload, "envelope").toFields();
    expect(keyid).toBe("peer-b");
    expect(a.reports.length).toBeGreaterThan(0);
    await session.close();
    await served.done;
  });
});
