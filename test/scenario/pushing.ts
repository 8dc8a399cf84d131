// What tests of pushed messages share: a server that pushes, and what a device does with it.

import type { Incoming, MslClient, RequestHandler } from "../../src/control/api.ts";

/** The bodies of pushed messages. */
export async function texts(subscription: AsyncIterable<Incoming>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of subscription) all.push(await message.text());
  return all;
}

/** Three messages to who names a topic; whoever asks gets an answer. */
export const pushing: RequestHandler = async (request) => {
  const topic = await request.text();
  if (topic === "ask") return { body: "answer" };
  for (const n of [1, 2, 3]) await request.push({ body: `${topic} ${n}` });
  return null;
};

export const ask = async (tv: MslClient) => (await tv.request({ body: "ask" })).text();
