// Faults planted into copies of the library, one line each: the model must find every one of them.

export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** One of the problems that the model must report. */
  readonly found: RegExp;
  /** One under which it is found soon, where that is rare. */
  readonly seed?: number;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "a lease is not released where a round fails",
    file: "control/client-attempt.ts",
    find: "    selection.lease?.release();",
    replace: "    if (isDone) selection.lease?.release();",
    found: /A lease is left/,
  },
  {
    name: "a waiter that gives up keeps its lease",
    file: "control/token-selection.ts",
    find: "      lease?.release();\n      throw error;",
    replace: "      throw error;",
    found: /A lease is left/,
  },
  {
    name: "the renewal slot is not settled on abort",
    file: "control/client-attempt.ts",
    find: "    selection.renewal?.settle();",
    replace: "    if (isDone) selection.renewal?.settle();",
    found: /slot is not idle|does not recover|hangs/,
  },
  {
    name: "a waiter goes on with the token that it had",
    file: "control/token-selection.ts",
    find: "    lease?.release();\n    lease = store.lease();",
    replace: "    lease ??= store.lease();",
    found: /was replaced was renewed/,
  },
  {
    name: "waiting for a renewal ignores the deadline",
    file: "control/renewal.ts",
    find: "await deadline.race(current.done);",
    replace: "await current.done;",
    found: /outlives its deadline/,
  },
  {
    name: "two requests may renew at a time",
    file: "control/renewal.ts",
    find: "    if (this.#current !== null) return null;",
    replace: "",
    found: /Two requests renew/,
  },
  {
    name: "a retired token is still the newest",
    file: "store/device-store.ts",
    find: "      if (session.retired) continue;",
    replace: "",
    found: /A retired token was leased/,
  },
  {
    name: "retiring a token wipes the keys of replies under way",
    file: "store/device-store.ts",
    find: "    session.retired = true;\n    if (session.leases === 0) this.#remove(session);",
    replace: "    session.retired = true;\n    this.#remove(session);",
    found: /key was disposed/,
  },
  {
    name: "a token of another serial number stays beside the new one",
    file: "control/requester.ts",
    find: "  store.retireOthers(exchange.masterToken);",
    replace: "",
    found: /more than one master token/,
  },
  {
    name: "keys are wiped though the store has them",
    file: "control/requester.ts",
    find: "exchange === null || exchange.isTaken",
    replace: "exchange === null",
    found: /key was disposed/,
  },
  {
    name: "a non-replayable id is given before it is saved",
    file: "store/replay-ids.ts",
    find: "    await this.#commit();\n    return id;",
    replace: "    return id;",
    found: /id was used twice/,
  },
  {
    name: "the reply of another message is accepted",
    file: "control/client-receive.ts",
    find: "if (messageId !== nextMessageId(sent.messageId))",
    replace: "if (messageId < 0)",
    found: /belongs to another request|no application saw/,
  },
  {
    name: "a server accepts a non-replayable message twice",
    file: "store/issuer-memory.ts",
    find: 'if (verdict !== "ok") return verdict;',
    replace: "",
    found: /delivered twice/,
  },
  {
    name: "a one-shot body is sent again from where it stopped",
    file: "control/bodies.ts",
    find: "    for (const piece of this.#kept) yield piece;",
    replace: "",
    found: /no application saw|another request/,
  },
  {
    name: "a late reply takes the user's login away",
    file: "control/client-receive.ts",
    find: "keepsLogin(store, userId, header.userIdToken)",
    replace: "false",
    found: /A login was lost/,
    seed: 12,
  },
  {
    name: "a server keeps the keys of a session that it could not hand out",
    file: "builder/response.ts",
    find: "    keyResponse.masterToken.verified.context.dispose();",
    replace: "",
    found: /keys are left in the core/,
  },
];
