// user_auth.json: authentication data of users, parsed and authenticated as a server does.

import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import { parseUserAuthData } from "../../user-auth/scheme.ts";
import { checkOutcome } from "./outcome.ts";
import { userData, userSchemes } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { recordedMasterToken, recordedUserIdToken } from "./user-id-tokens.ts";
import { parseJson, same, text, type Vector } from "./vector.ts";

export const USER_AUTH_FILE: FileSpec = {
  file: "user_auth.json",
  members: ["description", "now"],
  lists: {
    vectors: { needs: (vector) => [vector.text("scheme")], run: checkScheme },
    parse: { needs: claimedScheme, run: checkAuthentication },
  },
};

function claimedScheme(vector: Vector): readonly string[] {
  const name = (vector.json("userauthdata") as { scheme?: unknown }).scheme;
  return typeof name === "string" ? [name] : [];
}

async function checkScheme(vector: Vector, bench: Bench): Promise<void> {
  const user = vector.text("user");
  const scheme = vector.text("scheme");
  same("authenticated user", await authenticate(vector, bench), user);
  const recorded = decodeObject(vector.utf8("userauthdata"), "userauthdata");
  const sent = encodeObject("JSON", { ...(await userData(bench, scheme, user, recorded)) });
  same("userauthdata of the user", parseJson(text(sent), "our bytes"), vector.json("userauthdata"));
}

function checkAuthentication(vector: Vector, bench: Bench): Promise<void> {
  return checkOutcome(
    vector,
    () => authenticate(vector, bench),
    (user) => same("user", user, vector.text("result")),
  );
}

async function authenticate(vector: Vector, bench: Bench): Promise<string> {
  const mt = vector.textOr("headerMasterToken");
  const masterToken = mt === null ? null : await recordedMasterToken(mt, bench);
  const uit = vector.textOr("headerUserIdToken");
  const userIdToken = uit === null ? null : await recordedUserIdToken(uit, masterToken, bench);
  const identity = vector.textOr("entity");
  const container = decodeObject(vector.utf8("userauthdata"), "userauthdata");
  const { scheme, authdata, parsed } = await parseUserAuthData(container, userSchemes({ bench }));
  return scheme.authenticate({ identity, authdata, parsed, masterToken, userIdToken });
}
