// Plays one schedule against the real client, server, stores and core in virtual time, and says everything that went
// against the rules of renewal and recovery ("MSL Control", concurrency).

import type { Core } from "../../src/core/core.ts";
import { createCore } from "../../src/core/core.ts";
import type { CoreExports } from "../../src/core/exports.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { Device, type Made } from "./devices.ts";
import { judge, judgeRequest } from "./judge.ts";
import { Network } from "./network.ts";
import { countKeys, watch } from "./observed.ts";
import type { RequestSpec, Schedule, WorldEvent } from "./schedule.ts";
import { type PskContextOf, Servers } from "./servers.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface ModelHost {
  readonly core: Core;
  readonly pskContextOf: PskContextOf;
}

/** A core with cheap randomness and the pre-shared keys of all devices. */
export function modelHost(exports: CoreExports): ModelHost {
  let x = 0x9e3779b9;
  const entropy = {
    fill(bytes: Uint8Array) {
      for (let i = 0; i < bytes.length; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        bytes[i] = x & 255;
      }
    },
  };
  const core = createCore(exports, entropy, "simd", null);
  const keyBytes = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255);
  const entries = ["server", "psk-0", "psk-1", "psk-2"].map((identity, i) => ({
    identity,
    encryptionKey: keyBytes(i + 1, 16),
    macKey: keyBytes(i + 50, 32),
  }));
  return { core, pskContextOf: memoryPskKeys(core, entries) };
}

/** What a run came to. */
export interface Verdict {
  readonly problems: readonly string[];
  readonly steps: number;
  readonly replies: number;
}

/** The last request of each device, once everything works again. */
const FINAL: RequestSpec = {
  atMs: 0,
  device: 0,
  user: "u1",
  login: "required",
  loginMs: 0,
  nonReplayable: false,
  encrypted: true,
  wantTokens: false,
  timeoutMs: 60_000,
  abortMs: null,
  body: "bytes",
  read: "at-once",
};

export async function play(host: ModelHost, schedule: Schedule): Promise<Verdict> {
  const { core, pskContextOf } = host;
  const problems = new Set<string>();
  const keys = countKeys(core);
  const eyes = watch();
  const time = new VirtualTime();
  const servers = new Servers(core, time, schedule, pskContextOf);
  await servers.start();
  const network = new Network(time, schedule.faults, (request, fault, n) => servers.receive(request, fault, n));
  const devices = schedule.devices.map((spec, i) => new Device(core, time, network, pskContextOf, spec, i));
  for (const device of devices) await device.start();
  const made: Made[] = [];
  const each = () => {
    for (const device of devices) device.check();
    for (const request of made) judgeRequest(request, time.now, problems);
  };
  const make = (device: Device, body: string, spec: RequestSpec) => {
    const request = device.make(body, spec);
    if (request !== null) made.push(request);
  };
  if (schedule.isWarm) {
    devices.forEach((device, i) => {
      make(device, `warm${i}`, FINAL);
    });
    await time.run(each);
  }
  network.hasFaults = true;

  schedule.requests.forEach((spec, i) => {
    time.after(spec.atMs, () => {
      make(devices[spec.device % devices.length]!, `r${i}`, spec);
    });
  });
  for (const event of schedule.events) time.after(event.atMs, () => happen(event, devices, servers, time));

  await time.run(each);

  // The faults stop: each device recovers by itself, in one more request.
  network.hasFaults = false;
  servers.hasFaults = false;
  for (const device of devices) {
    device.storage = "works";
    servers.state.restoreEntity(device.identity);
  }
  servers.state.restoreUser("u1");
  servers.state.restoreUser("u2");
  const before = made.length;
  const settled = [...made];
  devices.forEach((device, i) => {
    for (const nonReplayable of [false, true]) {
      const spec = { ...FINAL, nonReplayable };
      time.after(nonReplayable ? 200_000 : 0, () => {
        make(device, `final${i}${nonReplayable ? "n" : ""}`, spec);
      });
    }
  });
  await time.run(each);
  const finals = made.slice(before);

  judge({ settled, finals, devices, servers, eyes, network }, problems);
  for (const device of devices) await device.close();
  await servers.close();
  const left = keys();
  if (left !== 0) problems.add(`${left} keys are left in the core.`);
  const replies = made.filter(({ outcome }) => outcome.kind === "reply").length;
  return { problems: [...problems], steps: time.steps, replies };
}

function happen(event: WorldEvent, devices: readonly Device[], servers: Servers, time: VirtualTime): void {
  const device = devices[event.device % devices.length]!;
  const { state } = servers;
  const { value } = event;
  const storage = (mode: Device["storage"]) => {
    device.storage = mode;
    time.after(Math.abs(value) * 20, () => {
      device.storage = "works";
    });
  };
  switch (event.kind) {
    case "restart":
      void device.restart();
      return;
    case "device-clock":
      device.offsetSec += value;
      return;
    case "server-clock":
      servers.offsetSec += value;
      return;
    case "rotate":
      servers.rotate(Math.max(0, value));
      return;
    case "revoke-entity":
      state.revokeEntity(device.identity);
      return;
    case "restore-entity":
      state.restoreEntity(device.identity);
      return;
    case "revoke-token": {
      const token = device.client?.session.masterToken ?? null;
      if (token !== null) state.revokeMasterToken(token.serialNumber);
      return;
    }
    case "revoke-user":
      state.revokeUser("u1");
      return;
    case "restore-user":
      state.restoreUser("u1");
      return;
    case "demand-login":
      state.demandLogin("u1");
      return;
    case "store-fails":
      storage("fails");
      return;
    case "store-slow":
      storage("slow");
      return;
    case "store-hangs":
      storage("hangs");
      return;
    case "server-restart":
      void servers.restart(event.device);
      return;
    case "clear":
      device.client?.session.clear().catch(() => {});
      return;
    case "forget-user":
      device.client?.session.forgetUser("u1").catch(() => {});
  }
}
