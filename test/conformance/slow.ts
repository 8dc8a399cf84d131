// A server that answers when the test says so: what happens while a request is under way.

import { World } from "../scenario/world.ts";

/** Holds back the answers that `hold` says, until `release`. */
export async function slowWorld(options: Parameters<typeof World.create>[0] = {}, hold = (_n: number) => true) {
  const world = await World.create(options);
  const post = world.post.bind(world);
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let n = 0;
  world.post = async (...parts) => {
    if (hold(n++)) await gate;
    return post(...parts);
  };
  return { world, release };
}

/** Lets everything run that can. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 15));
