// base64.json: standard base64 of binary fields, and base64url as JSON web keys write it.

import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "../../encoding/base64.ts";
import { protocolError } from "../../errors/msl-error.ts";
import { checkOutcome } from "./outcome.ts";
import type { FileSpec, ListSpec } from "./spec.ts";
import { same } from "./vector.ts";

export const BASE64_FILE: FileSpec = {
  file: "base64.json",
  members: ["description"],
  lists: {
    encode: {
      run(vector) {
        const data = vector.bytes("data");
        same("base64", encodeBase64(data), vector.text("base64"));
        same("base64url", encodeBase64Url(data), vector.text("base64url"));
        same("data of base64", decodeBase64(vector.text("base64")), data);
        same("data of base64url", decodeBase64Url(vector.text("base64url")), data);
      },
    },
    decode: decoding(decodeBase64),
    decodeUrl: decoding(decodeBase64Url),
  },
};

function decoding(decode: (text: string) => Uint8Array | null): ListSpec {
  return {
    run(vector) {
      const attempt = () => decode(vector.text("input")) ?? protocolError("MSL_PARSE_ERROR", "input");
      return checkOutcome(vector, attempt, (bytes) => same("result", bytes, vector.text("result")));
    },
  };
}
