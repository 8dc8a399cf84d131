// Starting the best core that works: which build is chosen on engines that lack or break WebAssembly, in what time, and
// what is said about it.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadCoreExplained } from "../../src/core/core-node.ts";
import type { CoreExports } from "../../src/core/exports.ts";
import { selfTest } from "../../src/core/self-test.ts";
import { type CoreKind, type StartOptions, startCore, type WebAssemblyHost } from "../../src/core/start.ts";
import { MslCoreError } from "../../src/errors/msl-error.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeEntropy } from "../../src/platform/entropy-node.ts";
import { rawExports, wasmPath } from "./raw/raw-core.ts";

const simd = new Uint8Array(readFileSync(wasmPath("simd")));
const mvp = new Uint8Array(readFileSync(wasmPath("mvp")));
const js = { createExports: () => rawExports("js") as unknown as CoreExports };
const all = { simd, mvp, js };
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const engine = WebAssembly as unknown as WebAssemblyHost;
const isSimd = (bytes: Uint8Array) => bytes === simd;
const never = new Promise<never>(() => {});

/** An engine that treats some builds in its own way, and all the others well. */
function host(concerns: (bytes: Uint8Array) => boolean, way: WebAssemblyHost["instantiate"]): WebAssemblyHost {
  return {
    instantiate: (bytes, imports) => (concerns(bytes) ? way(bytes, imports) : engine.instantiate(bytes, imports)),
  };
}

const rejects = (): Promise<never> => Promise.reject(new WebAssembly.CompileError("secret detail"));

/** A real instance with one export that answers otherwise. */
async function altered(bytes: Uint8Array, name: string, answer: () => number) {
  const { instance } = await engine.instantiate(bytes, {});
  return { instance: { exports: { ...(instance.exports as object), [name]: answer } } };
}

const start = (options: Partial<StartOptions>) => startCore({ sources: all, entropy: nodeEntropy, ...options });

async function failure(options: Partial<StartOptions>): Promise<MslCoreError> {
  const error = await start(options).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MslCoreError);
  return error as MslCoreError;
}

test("the engine's own WebAssembly starts SIMD, and the core works", async () => {
  const { core, kind, why, attempts } = await start({});
  expect([kind, core.kind, why]).toEqual(["simd", "simd", "simd: started"]);
  expect(attempts).toEqual([{ kind: "simd", outcome: "started" }]);
  expect(Buffer.from(core.sha256(new TextEncoder().encode("abc"))).toString("hex")).toBe(ABC);
});

test.each(["simd", "mvp", "js"] as const)("%s starts alone and does the work", async (kind) => {
  const started = await start({ sources: { [kind]: all[kind] } });
  expect([started.kind, started.core.kind]).toEqual([kind, kind]);
  expect(started.attempts.filter(({ outcome }) => outcome === "not given")).toHaveLength(
    ["simd", "mvp", "js"].indexOf(kind),
  );
  expect(Buffer.from(started.core.sha256(new TextEncoder().encode("abc"))).toString("hex")).toBe(ABC);
});

describe("falls to the next build", () => {
  test("without WebAssembly: JavaScript", async () => {
    const { kind, why } = await start({ webAssembly: null });
    expect([kind, why]).toEqual(["js", "simd: no WebAssembly; mvp: no WebAssembly; js: started"]);
  });

  test("without SIMD: the MVP", async () => {
    const { kind, why } = await start({ webAssembly: host(isSimd, rejects) });
    expect([kind, why]).toEqual(["mvp", "simd: did not instantiate (CompileError); mvp: started"]);
  });

  test("when instantiate throws at once", async () => {
    const webAssembly = host(isSimd, () => {
      throw new EvalError("refused by a policy");
    });
    expect((await start({ webAssembly })).why).toBe("simd: did not instantiate (EvalError); mvp: started");
  });

  test("when instantiate never settles: after the time limit, which is not left running", async () => {
    const running = new Set<() => void>();
    const limits: number[] = [];
    const timers = {
      after(ms: number, fire: () => void) {
        limits.push(ms);
        const cancel = nodeTimers.after(ms, fire);
        running.add(cancel);
        return () => {
          running.delete(cancel);
          cancel();
        };
      },
    };
    const hanging = host(
      () => true,
      () => never,
    );
    const { kind, why } = await start({ webAssembly: hanging, timers, startMs: 20, loadMs: 5000 });
    expect(kind).toBe("js");
    expect(why).toBe("simd: did not instantiate in time; mvp: did not instantiate in time; js: started");
    expect(limits).toEqual([5000, 20, 5000, 20, 5000]);
    // The two that fired are all that was not cancelled.
    expect(running.size).toBe(2);
  });

  test("when a late engine settles after its time, nothing happens", async () => {
    let settle = (_: unknown): void => {};
    const late = host(isSimd, () => new Promise((_, reject) => (settle = reject)));
    expect((await start({ webAssembly: late, timers: nodeTimers, startMs: 20 })).kind).toBe("mvp");
    settle(new Error("late"));
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test.each([
    ["sha256Digest", "SHA-256"],
    ["aesCbcEncrypt", "AES"],
    ["x25519PublicKey", "X25519"],
  ])("when %s answers wrongly", async (name, what) => {
    const webAssembly = host(isSimd, (bytes) => altered(bytes, name, () => 32));
    const { kind, attempts } = await start({ webAssembly });
    expect(kind).toBe("mvp");
    expect(attempts[0]).toEqual({ kind: "simd", outcome: `wrong answer of ${what} in the self-test` });
  });

  test("when the self-test traps, or there are no exports", async () => {
    const trap = host(isSimd, (bytes) =>
      altered(bytes, "slotImport", () => {
        throw new WebAssembly.RuntimeError("unreachable");
      }),
    );
    expect((await start({ webAssembly: trap })).attempts[0]!.outcome).toBe("failed in the self-test (RuntimeError)");
    const empty = host(isSimd, async () => ({ instance: { exports: {} } }));
    expect((await start({ webAssembly: empty })).attempts[0]!.outcome).toBe("failed in the self-test (TypeError)");
  });

  test("when bytes are broken, and on a real engine", async () => {
    const { kind, why } = await start({ sources: { ...all, simd: simd.subarray(0, 1000) } });
    expect([kind, why]).toEqual(["mvp", "simd: did not instantiate (CompileError); mvp: started"]);
  });
});

describe("sources", () => {
  test("a function gives the bytes, at once or later", async () => {
    expect((await start({ sources: { simd: () => simd } })).kind).toBe("simd");
    expect((await start({ sources: { mvp: async () => mvp, js: async () => js } })).kind).toBe("mvp");
    expect((await start({ sources: { js: async () => js } })).kind).toBe("js");
  });

  test("a URL goes to fetchBytes; what does not load falls to the next", async () => {
    const asked: string[] = [];
    const fetchBytes = async (url: string) => {
      asked.push(url);
      if (url.includes("simd")) throw new TypeError("https://user:password@host/ failed");
      return mvp;
    };
    const { why } = await start({ sources: { simd: "/core.simd.wasm", mvp: "/core.mvp.wasm" }, fetchBytes });
    expect(asked).toEqual(["/core.simd.wasm", "/core.mvp.wasm"]);
    expect(why).toBe("simd: did not load (TypeError); mvp: started");
  });

  test("a URL without fetchBytes, and a load that never ends", async () => {
    const { why } = await start({
      sources: { simd: "/core.simd.wasm", mvp: () => never, js },
      timers: nodeTimers,
      loadMs: 20,
    });
    expect(why).toBe("simd: a URL, but no fetchBytes; mvp: did not load in time; js: started");
  });
});

describe("when none starts", () => {
  test("the error names each reason, without the engine's words", async () => {
    const broken = {
      createExports(): CoreExports {
        throw new RangeError("secret detail");
      },
    };
    const webAssembly = host(() => true, rejects);
    const error = await failure({ webAssembly, sources: { simd, mvp, js: broken } });
    expect(error.message).toBe(
      "CORE_FAILED: The cryptographic core failed. No core starts: simd: did not instantiate (CompileError); " +
        "mvp: did not instantiate (CompileError); js: did not start (RangeError).",
    );
  });

  test("also when nothing was given, or a rejection is no error object", async () => {
    expect((await failure({ sources: {} })).message).toContain("simd: not given; mvp: not given; js: not given");
    const load = () => Promise.reject("text");
    expect((await failure({ sources: { js: load } })).message).toContain("js: did not load (no error object)");
  });

  test("an entropy source that gives zeros is no reason to try the next", async () => {
    const error = await failure({ entropy: { fill() {} } });
    expect(error.message).toContain("entropy");
    expect(error.message).not.toContain("mvp");
  });
});

describe("the self-test", () => {
  test.each(["simd", "mvp", "js", "small"] as const)("%s passes and keeps nothing", (build) => {
    const exports = rawExports(build) as unknown as CoreExports;
    const free = exports.freeSlots();
    expect(selfTest(exports)).toBeNull();
    expect(exports.freeSlots()).toBe(free);
    const memory = Buffer.from(exports.memory.buffer as ArrayBuffer);
    for (const start of ["2b7e151628aed2a6", "77076d0a7318a57d", "8520f0098930a754"]) {
      expect(memory.includes(Buffer.from(start, "hex"))).toBe(false);
    }
  });
});

test.each(["simd", "mvp", "js"] as readonly CoreKind[])("Node starts %s where it is asked for", async (kind) => {
  const loaded = await loadCoreExplained(kind);
  expect([loaded.kind, loaded.core.kind, loaded.why]).toEqual([kind, kind, `${kind}: asked for`]);
});

test("Node starts the best by itself", async () => {
  const { kind, why } = await loadCoreExplained("auto");
  expect([kind, why]).toEqual(["simd", "simd: the best that starts"]);
});
