// What a scenario is: a story that gives plain values, the same in every cell of the matrix, and what must be in them.

import { expect } from "vitest";
import type { Cell } from "./network.ts";

export interface Scenario {
  readonly name: string;
  readonly run: (cell: Cell) => Promise<unknown>;
  /** A part of what comes out; the rest is compared with the reference cell. */
  readonly expected: object;
}

export function scenario(name: string, expected: object, run: Scenario["run"]): Scenario {
  return { name, expected, run };
}

const REFERENCE: Cell = { device: "simd", server: "simd", wire: "both" };
const references = new Map<Scenario, Promise<unknown>>();

/** Runs the scenario in a cell: what comes out is what must, and the same as in the reference cell. */
export async function expectSame(story: Scenario, cell: Cell): Promise<void> {
  const reference = references.get(story) ?? story.run(REFERENCE);
  references.set(story, reference);
  const result = await story.run(cell);
  expect(result).toMatchObject(story.expected);
  expect(result).toEqual(await reference);
}
