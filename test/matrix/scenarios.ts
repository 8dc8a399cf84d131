// The catalogue of scenarios. A new one joins every cell of the matrix by its row in one of these lists.

import { MESSAGES } from "./messages.ts";
import { PEERS } from "./peers.ts";
import type { Scenario } from "./scenario.ts";
import { SCHEMES } from "./schemes.ts";
import { TOKENS } from "./tokens.ts";

export const SCENARIOS: readonly Scenario[] = [...SCHEMES, ...TOKENS, ...MESSAGES, ...PEERS];
