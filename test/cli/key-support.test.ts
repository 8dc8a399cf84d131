// `request --keyx-support` against servers with and without ECDH, as clients and as peers; what `inspect` shows of it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { tinymsl } from "./command.ts";
import { World } from "../scenario/world.ts";

const KEYS = "test/vectors/keys.json";
const dir = mkdtempSync(join(tmpdir(), "tinymsl-keyx-"));
const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops) stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Row {
  readonly ok: boolean;
  readonly roundTrips: number;
  readonly error?: { readonly code: string };
  readonly messages: readonly { readonly direction: string; readonly keyx: readonly string[] }[];
}

function serve(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const io = {
      out(line: string) {
        const entry = JSON.parse(line);
        if (entry.listening) resolve(entry.listening);
      },
      err() {},
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop: (callback: () => void) => void stops.push(callback),
    };
    run(["serve", "--keys", KEYS, ...args], io).then((code) => code !== 0 && reject(new Error(`serve: ${code}`)));
  });
}

const REFERENCE = ["--keyx", "SYMMETRIC_WRAPPED,DIFFIE_HELLMAN", "--compat", "reference"];
const BOTH = ["ECDH", "SYMMETRIC_WRAPPED"];
const LEAST = ["SYMMETRIC_WRAPPED"];

describe.each(["tn", "p2p"])("%s", (network) => {
  const [own, other] = network === "tn" ? ["VEC-PSK-1", "VEC-SERVER"] : ["VEC-PEER-1", "VEC-PEER-2"];
  let modern = "";
  let old = "";
  beforeAll(async () => {
    const common = ["--network", network, "--entity", `PSK:${other}`];
    modern = await serve(...common);
    old = await serve(...common, ...REFERENCE);
  });

  async function ask(url: string, ...args: string[]) {
    const entity = ["--entity", `PSK:${own}`, "--network", network];
    const keyx = args.includes("--keyx") ? [] : ["--keyx", "ECDH:X25519,SYMMETRIC_WRAPPED:PSK"];
    const { code, out } = await tinymsl("request", url, "--keys", KEYS, ...entity, ...keyx, "--body=x", ...args);
    const rows = out.map((line) => JSON.parse(line) as Row);
    const offers = rows.map(({ messages }) => messages.filter((m) => m.direction === "out").map((m) => m.keyx));
    return { code, rows, offers };
  }

  test("known: ECDH at once, and a failure where it is not known", async () => {
    expect((await ask(modern)).offers[0]?.[0]).toEqual(BOTH);
    const { code, rows } = await ask(old);
    expect([code, rows[0]?.error?.code, rows[0]?.roundTrips]).toEqual([1, "KEYX_FACTORY_NOT_FOUND", 1]);
  });

  test("probe: tried once, also over a restart", async () => {
    const store = ["--store", join(dir, `probe-${network}`), "--keyx-support", "probe"];
    const first = await ask(old, ...store);
    expect([first.code, first.offers[0]?.slice(0, 2)]).toEqual([0, [BOTH, LEAST]]);
    const second = await ask(old, ...store, "--repeat", "2");
    expect([second.code, second.offers.flat().some((keyx) => keyx.includes("ECDH"))]).toEqual([0, false]);
    const other = await ask(modern, "--keyx-support", "probe");
    expect([other.code, other.offers[0]?.[0]]).toEqual([0, BOTH]);
    const alone = await ask(old, "--keyx-support", "probe", "--keyx", "ECDH:X25519");
    expect([alone.code, alone.rows[0]?.error?.code]).toEqual([1, "KEYX_FACTORY_NOT_FOUND"]);
  });

  test("advertised: without ECDH first", async () => {
    for (const url of [modern, old]) {
      const { code, offers } = await ask(url, "--keyx-support", "advertised");
      expect([code, offers[0]?.[0]]).toEqual([0, LEAST]);
    }
  });
});

test.each([
  [["request", "http://localhost/", "--keys", KEYS, "--entity", "PSK:VEC-PSK-1", "--keyx-support", "maybe"]],
  [["serve", "--keys", KEYS, "--keyx", "ECDH:X25519"]],
  [["serve", "--keys", KEYS, "--keyx", "RSA"]],
])("wrong usage: %j", async (args) => {
  const { code, err } = await tinymsl(...args);
  expect(code).toBe(2);
  expect(err.join()).toMatch(/--keyx-support|unknown key exchange/);
});

test("inspect shows what a message advertises", async () => {
  const world = await World.create();
  const device = await world.device({ entity: world.anonymous("VEC-ANON-1") });
  await (await device.request({ body: "x" })).text();
  const path = join(dir, "message");
  writeFileSync(path, world.wire[0]!.request);
  const { code, out } = await tinymsl("inspect", path, "--keys", KEYS);
  expect(code).toBe(0);
  expect(out.join("\n")).toMatch(/^ +keyxschemes +ECDH$/m);
});
