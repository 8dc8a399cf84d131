// The rules that every run is held to, while it goes on and at its end.

import { MslError, MslLocalError } from "../../src/errors/msl-error.ts";
import { ABORTED, type Device, type Made, sentBody } from "./devices.ts";
import type { Network } from "./network.ts";
import type { Watch } from "./observed.ts";
import { echo, type Servers } from "./servers.ts";

/** Longest that a request without a deadline may take: six rounds of silent connections and hanging stores. */
const PATIENCE_MS = 3_000_000;

/** Failures of this side that no schedule may cause. */
const NEVER = new Set(["CORE_FAILED", "USAGE", "STORE_CORRUPT"]);

/** While the run goes on: callers who set a deadline or gave up are answered at that moment. */
export function judgeRequest({ outcome, spec, startMs, body }: Made, now: number, problems: Set<string>): void {
  if (outcome.kind !== "pending") return;
  const limits = [spec.timeoutMs, spec.abortMs, PATIENCE_MS].filter((ms) => ms !== null);
  // Who reads late is told when it reads.
  const late = spec.read === "late" ? 35 : 0;
  if (now > startMs + Math.min(...limits) + late) problems.add(`${kindOf(body)} outlives its deadline.`);
}

export interface Aftermath {
  readonly settled: readonly Made[];
  readonly finals: readonly Made[];
  readonly devices: readonly Device[];
  readonly servers: Servers;
  readonly eyes: Watch;
  readonly network: Network;
}

export function judge(aftermath: Aftermath, problems: Set<string>): void {
  const { settled, finals, devices, servers, eyes } = aftermath;
  for (const made of [...settled, ...finals]) judgeOutcome(made, servers, problems);
  for (const { outcome, device } of finals) {
    if (outcome.kind === "reply") continue;
    const reason = outcome.kind === "error" ? String(outcome.error) : "pending";
    problems.add(`A ${device.spec.entity} device does not recover: ${reason}`);
  }
  judgeDeliveries(aftermath, problems);
  for (const device of devices) {
    for (const problem of device.problems) problems.add(problem);
    judgeIds(device, problems);
  }
  for (const problem of [...servers.problems, ...eyes.problems]) problems.add(problem);
  if (servers.internalErrors > 0) problems.add("A server failed inside.");
  if (eyes.stores.some((store) => store.leaseCount > 0)) problems.add("A lease is left.");
  for (const slot of eyes.slots) if (!slot.isIdle) problems.add("A renewal slot is not idle.");
  for (const device of devices) {
    const store = eyes.stores.find((candidate) => isOf(candidate, device));
    if (store !== undefined && store.sessionCount > 1) problems.add("A store keeps more than one master token.");
  }
  if (aftermath.network.open > 0) problems.add("A connection is left open.");
}

function isOf(store: Watch["stores"][number], device: Device): boolean {
  const token = store.masterToken;
  const own = device.client?.session.masterToken ?? null;
  return token !== null && own !== null && token.serialNumber === own.serialNumber;
}

function judgeOutcome({ outcome, spec, body, device }: Made, servers: Servers, problems: Set<string>): void {
  if (outcome.kind === "pending") {
    problems.add(`${kindOf(body)} hangs.`);
    return;
  }
  if (outcome.kind === "error") {
    const { error } = outcome;
    if (error === ABORTED || (error instanceof Error && error.message === "The device was switched off.")) return;
    if (!(error instanceof MslError)) problems.add(`${kindOf(body)} fails with ${String(error)}.`);
    else if (error instanceof MslLocalError && NEVER.has(error.code)) problems.add(`${kindOf(body)}: ${error.message}`);
    return;
  }
  const sent = sentBody(body, spec);
  const delivered = servers.deliveries.filter((delivery) => delivery.body === sent);
  if (delivered.length === 0) problems.add("A reply came for a message that no application saw.");
  if (outcome.text === null) return;
  const users = spec.user === null ? [null] : [spec.user, null];
  const possible = users.map((user) => echo(sent, device.identity, user));
  if (!possible.includes(outcome.text)) problems.add("A reply belongs to another request.");
}

/** Non-replayable messages reach the application once, unless an error told the client to send them again. */
function judgeDeliveries({ servers, settled, finals }: Aftermath, problems: Set<string>): void {
  for (const { spec, body } of [...settled, ...finals]) {
    if (!spec.nonReplayable || spec.body === "empty") continue;
    const seen = servers.deliveries.filter((delivery) => delivery.body === sentBody(body, spec));
    if (seen.some((delivery) => !delivery.nonReplayable)) problems.add("A non-replayable message was replayable.");
    const exchanges = new Set(seen.map((delivery) => delivery.exchange));
    if (exchanges.size !== seen.length) problems.add("A non-replayable message was delivered twice.");
  }
  const identities = new Set(settled.map(({ device }) => device.identity));
  for (const { sender } of servers.deliveries) {
    if (sender !== null && !identities.has(sender) && !finals.some(({ device }) => device.identity === sender)) {
      problems.add("A message came from nobody.");
    }
  }
}

function judgeIds({ reports }: Device, problems: Set<string>): void {
  const used = new Set<string>();
  for (const { serialNumber, nonReplayableId } of reports) {
    if (nonReplayableId === null) continue;
    const id = `${serialNumber}:${nonReplayableId}`;
    if (used.has(id)) problems.add("A non-replayable id was used twice.");
    used.add(id);
  }
}

function kindOf(body: string): string {
  return body.startsWith("final") ? "The last request" : "A request";
}
