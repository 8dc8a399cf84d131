// errors.json: every name, number and response code of the protocol against our table.

import { ERRORS, type MslErrorCode, RESPONSE, errorName, responseName } from "../../errors/codes.ts";
import type { FileSpec } from "./spec.ts";
import { fail, same } from "./vector.ts";

export const ERROR_FILE: FileSpec = {
  file: "errors.json",
  members: ["description"],
  lists: {
    responseCodes: {
      run(vector) {
        const name = vector.text("name");
        if (!Object.hasOwn(RESPONSE, name)) fail("no such response code");
        same("code", RESPONSE[name as keyof typeof RESPONSE], vector.number("code"));
        same("name of the code", responseName(vector.number("code")), name);
      },
    },
    errors: {
      run(vector) {
        const name = vector.text("name");
        vector.ignore("message"); // developer text: each implementation has its own
        if (!Object.hasOwn(ERRORS, name)) fail("no such error");
        const [internalCode, responseCode, text] = ERRORS[name as MslErrorCode];
        same("internalCode", internalCode, vector.number("internalCode"));
        same("responseCode", responseCode, vector.number("responseCode"));
        same("responseCodeName", responseName(responseCode), vector.text("responseCodeName"));
        same("name of the number", errorName(internalCode), name);
        if (text.length === 0) fail("the table has no text");
      },
    },
  },
};
