// Service tokens and user ID tokens between peers: what each side keeps, sends back and deletes.

import { describe, expect, test } from "vitest";
import type { ServiceTokenEditor } from "../../src/control/api.ts";
import type { PeerHandler } from "../../src/control/peer-api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import type { Format } from "../../src/encoding/codec.ts";
import { textBytes } from "../../src/message/body.ts";
import type { StateStorage } from "../../src/store/snapshot-storage.ts";
import { duplex, pair, serving, settled, side, user } from "./pair.ts";

const BOTH: readonly (readonly [Format])[] = [["JSON"], ["CBOR"]];

function contextOf(core: Core) {
  const context = slotContext(core, {
    keyId: "service",
    encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(7)),
    mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(8)),
  });
  return () => context;
}

const names = (tokens: readonly { readonly name: string }[]) => tokens.map((token) => token.name).sort();

describe.each(BOTH)("%s", (format) => {
  const own = { formats: [format] } as const;

  test("CTL-120 peer service tokens are kept and sent back, those of the sender are not", async () => {
    const seen: string[][] = [];
    let edit = async (editor: ServiceTokenEditor) => {
      await editor.add("about-b", textBytes("1"));
      await editor.peer?.add("about-a", textBytes("2"));
      await editor.peer?.add("about-session", textBytes("3"), { binding: "master" });
    };
    const context: { of: ReturnType<typeof contextOf> | null } = { of: null };
    const handler: PeerHandler = async (request) => {
      seen.push(names(request.serviceTokens));
      const crypto = () => context.of?.() ?? null;
      return { body: await request.text(), serviceTokens: { crypto, edit: (editor) => edit(editor) } };
    };
    const { b, session, served } = await pair(own, own, handler);
    context.of = contextOf(b.core);
    const replies: [string[], string[]][] = [];
    const ask = async () => {
      const reply = await session.request({ body: "x" });
      await reply.text();
      replies.push([names(reply.serviceTokens), names(reply.peerServiceTokens)]);
    };
    await ask();
    expect(replies[0]).toEqual([["about-b"], ["about-a", "about-session"]]);
    edit = async () => {};
    await ask();
    expect(seen).toEqual([[], ["about-a", "about-session"]]);
    // They come back as what B keeps with A, until B asks for their deletion.
    expect(replies[1]?.[1]).toEqual(["about-a", "about-session"]);
    edit = async (editor) => {
      expect(editor.peer?.delete("about-a")).toBe(true);
      expect(editor.peer?.exclude("about-session", "master")).toBe(true);
      expect(editor.hasMasterToken).toBe(true);
      expect(editor.peer?.hasMasterToken).toBe(true);
    };
    await ask();
    edit = async () => {};
    await ask();
    expect(seen.at(-1)).toEqual(["about-session"]);
    expect(served.errors).toEqual([]);
  });

  test("CTL-120 the user ID token of the other direction is kept for the local user, nobody else's", async () => {
    const { a, b, session } = await pair(own, own);
    await (await session.request({ body: "x", user: user() })).text();
    expect(session.hasUser("local-user")).toBe(true);
    expect(session.hasUser("other")).toBe(false);
    await (await session.request({ body: "x", user: { ...user(), id: "other" } })).text();
    expect(session.hasUser("other")).toBe(true);
    await (await session.request({ body: "x" })).text();
    expect(a.reports.filter((r) => r.direction === "out").at(-1)?.hasUserIdToken).toBe(false);
    await settled(() => b.reports.length > 5);
    expect(b.reports.filter((r) => r.direction === "out" && r.hasUserIdToken)).toEqual([]);
  });

  test("a user that the answering side names gets a token; without a master token the answer is 6027", async () => {
    const handler: PeerHandler = async (request) => ({ body: await request.text(), user: "user-9" });
    const { session, served } = await pair(own, own, handler);
    await (await session.request({ body: "x", user: { id: "guest", authenticate: () => null } })).text();
    expect(session.hasUser("guest")).toBe(true);
    expect(served.errors).toEqual([]);
    const bare = { ...own, config: { keyExchange: [] } };
    const without = await pair(bare, bare, handler);
    const error = await without.session.request({ body: "x" }).catch((e) => e);
    expect(error).toMatchObject({ code: "RESPONSE_REQUIRES_MASTERTOKEN", responseCode: 5 });
    expect(without.served.errors).toMatchObject([{ code: "RESPONSE_REQUIRES_MASTERTOKEN" }]);
  });

  test("the tokens of each counterpart survive a restart", async () => {
    const saved = new Map<string, Uint8Array>();
    const storage = (name: string): StateStorage => ({
      load: async () => saved.get(name)?.slice() ?? null,
      save: async (snapshot) => void saved.set(name, snapshot.slice()),
    });
    const b = await side("peer-b", own);
    const ask = async () => {
      const a = await side("peer-a", { ...own, config: { storage } });
      const wire = duplex();
      const served = serving(b.peer, wire.b);
      const session = a.peer.session(wire.a, { counterpart: "peer-b" });
      expect(await (await session.request({ body: "x" })).text()).toBe("ECHO:x");
      const token = session.masterToken;
      await session.close();
      await served.done;
      await a.peer.close();
      return { token, first: a.reports[0] };
    };
    const before = await ask();
    const after = await ask();
    expect(after.token?.serialNumber).toBe(before.token?.serialNumber);
    expect(after.first?.serialNumber).toBe(before.token?.serialNumber);
    expect([...saved.keys()]).toEqual(["peer-b"]);
  });
});
