// The nine steps of the demo. Each shows something and checks that it is so; a check that fails ends the run.

import { inspectMessages } from "../cli/inspect-message.ts";
import type { MessageReport, MslClient, RequestInit } from "../control/api.ts";
import { countingProxy } from "./counting-proxy.ts";
import type { RecordingTransport } from "./recording.ts";
import { failed, message, note, passed, stepTitle, table } from "./screen.ts";
import { measureTls } from "./tls-compare.ts";
import { DEVICE, type DemoWorld } from "./world.ts";

const BODY = "What may I watch tonight?";

interface Device {
  readonly client: MslClient;
  readonly wire: RecordingTransport;
}

function check(holds: boolean, claim: string): void {
  if (!holds) {
    failed(claim);
    throw new Error(`not so: ${claim}`);
  }
  passed(claim);
}

/** Sends a request and shows what crossed; gives the reports of both messages. */
async function ask(world: DemoWorld, device: Device, init: RequestInit): Promise<readonly MessageReport[]> {
  const from = world.reports.length;
  const reply = await device.client.request({ timeoutMs: 5000, ...init });
  const text = await reply.text();
  const seen = world.reports.slice(from);
  for (const report of seen) message(report);
  if (text !== `ECHO:${String(init.body)}`) throw new Error("the server echoed something else");
  return seen;
}

/** Posts bytes as an attacker would, outside any client; gives what the server answered. */
async function post(world: DemoWorld, bytes: Uint8Array): Promise<readonly MessageReport[]> {
  const from = world.reports.length;
  const response = await fetch(world.url, { method: "POST", body: bytes as unknown as string });
  await response.arrayBuffer();
  const seen = world.reports.slice(from);
  for (const report of seen) message(report);
  return seen;
}

export async function runSteps(world: DemoWorld): Promise<void> {
  const device = await world.device();
  const errorOf = (seen: readonly MessageReport[]) => seen.at(-1)?.error?.code ?? null;

  stepTitle(1, "A device that never met the server sends its first request, protected, in one round trip");
  const [first, answer] = await ask(world, device, { body: BODY });
  check(
    device.wire.count === 1 && first?.encrypted === true,
    "one exchange carried key exchange, request and answer, all encrypted",
  );
  check(
    answer?.keyx[0] === "ECDH" && device.client.session.masterToken !== null,
    "the answer brought a master token with fresh ECDH session keys",
  );

  stepTitle(2, "The next request goes under the master token");
  const [second] = await ask(world, device, { body: BODY });
  check(
    second?.sequenceNumber === 0 && second.keyx.length === 0,
    "no key exchange, no entity authentication: the token says it all",
  );

  stepTitle(3, "A user logs in inside a request, then is known by a user ID token");
  const [login] = await ask(world, device, { body: BODY, user: world.user });
  const [known] = await ask(world, device, { body: BODY, user: world.user });
  check(
    login?.userScheme === "EMAIL_PASSWORD",
    "the credentials rode in the request's encrypted header: no extra round trip",
  );
  check(
    known?.hasUserIdToken === true && known.userScheme === null,
    "afterwards the user ID token rides instead of the password",
  );

  stepTitle(4, "A non-replayable request, and its replay");
  await ask(world, device, { body: "Rent the film for 4.99", nonReplayable: true });
  note("an eavesdropper sends the very same bytes again:");
  check(errorOf(await post(world, device.wire.at(-1).request)) === "MESSAGE_REPLAYED", "the server refused the copy");

  stepTitle(5, "One byte of a captured message is changed");
  const tampered = errorOf(await post(world, await flipHeaderByte(device.wire.at(1).request, world)));
  check(
    tampered === "MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED",
    "the signature did not fit: refused before anything was decrypted",
  );

  stepTitle(6, "The master token is renewed inside a request");
  note("thirteen hours pass");
  world.clock.aheadMs += 13 * 3600 * 1000;
  const [renewal, renewed] = await ask(world, device, { body: BODY, user: world.user });
  check(renewal?.keyx[0] === "ECDH" && renewed?.keyx[0] === "ECDH", "offer and answer of new keys rode along");
  check(
    device.client.session.masterToken?.sequenceNumber === 1,
    "same serial number, sequence number 1, new session keys",
  );

  stepTitle(7, "The server is restarted; the device is still known");
  await world.stopServer();
  await world.startServer();
  const [after] = await ask(world, device, { body: BODY, user: world.user });
  check(
    after?.sequenceNumber === 1 && after.keyx.length === 0,
    "all a server needs to know travels in the tokens: no session was lost",
  );

  stepTitle(8, "One steady request in JSON and in CBOR: bytes of each layer");
  await compareFormats(world);

  stepTitle(9, "First contact next to TLS 1.3, same loopback, same request");
  await compareWithTls(world);
  await device.client.close();
}

/** Changes one byte inside the header's encrypted data, in the middle of the last third of the header object. */
async function flipHeaderByte(wire: Uint8Array, world: DemoWorld): Promise<Uint8Array> {
  const { messages } = await inspectMessages(wire, world.keys);
  const header = messages[0]?.header;
  if (header === undefined) throw new Error("nothing was captured");
  const changed = wire.slice();
  // Behind the sealed data only the signature follows, 34 bytes in CBOR.
  changed[header.offset + header.size - 34 - 20]! ^= 1;
  return changed;
}

async function compareFormats(world: DemoWorld): Promise<void> {
  const budgets: Record<string, number>[] = [];
  for (const format of ["JSON", "CBOR"] as const) {
    const device = await world.device({ capabilities: { formats: [format] }, firstFormat: format });
    await (await device.client.request({ body: BODY })).text();
    await (await device.client.request({ body: BODY })).text();
    const { messages } = await inspectMessages(device.wire.at(-1).request, world.keys);
    budgets.push(messages[0]?.budget ?? {});
    await device.client.close();
    device.close();
  }
  const [json, cbor] = budgets;
  const layers: readonly (readonly [string, string])[] = [
    ["application", "application bytes"],
    ["payloadPlain", "payload object"],
    ["payloadSealed", "encrypted, in its envelope"],
    ["payload", "payload chunk on the wire"],
    ["headerPlain", "header data"],
    ["headerSealed", "encrypted, in its envelope"],
    ["masterToken", "master token"],
    ["header", "header on the wire"],
    ["total", "whole message"],
  ];
  const rows = layers.map(([key, name]) => [name, String(json?.[key] ?? 0), String(cbor?.[key] ?? 0)]);
  table(["bytes", "JSON", "CBOR"], rows);
  check((cbor?.total ?? 0) > 0 && (cbor?.total ?? 0) < (json?.total ?? 0), "CBOR says the same in fewer bytes");
}

async function compareWithTls(world: DemoWorld): Promise<void> {
  const proxy = await countingProxy(world.port);
  const rows: string[][] = [];
  let msl = { toServer: 0, toClient: 0, roundTrips: 0 };
  try {
    for (const format of ["JSON", "CBOR"] as const) {
      const device = await world.device({ capabilities: { formats: [format] }, firstFormat: format }, proxy.port);
      await (await device.client.request({ body: BODY })).text();
      msl = proxy.take();
      rows.push([`MSL over HTTP, ${format}`, ...cells(msl)]);
      await device.client.close();
      device.close();
    }
  } finally {
    await proxy.close();
  }
  const tls = await measureTls(BODY);
  rows.push(["HTTPS, TLS 1.3", ...cells(tls)]);
  table(["first request and answer", "round trips", "to server", "to client", "bytes"], rows);
  note("Counted: TCP payload of a fresh connection both ways, HTTP headers included; the TCP handshake, which");
  note(`both need, is not. MSL also authenticated the device (${DEVICE}); TLS here only the server.`);
  check(msl.roundTrips === 1 && tls.roundTrips === 2, "MSL needs one round trip, TLS 1.3 two");
}

function cells(crossing: { toServer: number; toClient: number; roundTrips: number }): string[] {
  const { toServer, toClient, roundTrips } = crossing;
  return [String(roundTrips), String(toServer), String(toClient), String(toServer + toClient)];
}
