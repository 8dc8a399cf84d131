// The text form of `inspect`: one block a message, indented by layer, narrow enough for a terminal.

import { decode as decodeCborBody } from "cbor-x/decode-no-eval";
import { decodeBase64 } from "../encoding/base64.ts";
import { decodeUtf8 } from "../encoding/utf8.ts";
import type { InspectedMessage } from "./inspect-message.ts";

const WIDTH = 72;

export function printMessages(messages: readonly InspectedMessage[], colour: boolean): string[] {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[0m` : text);
  const lines: string[] = [];
  messages.forEach((message, i) => {
    const { header, headerdata, payloads, budget } = message;
    if (i > 0) lines.push("");
    lines.push(bold(`message ${i + 1}  ${header.kind}  ${header.format}  ${budget.total} bytes`));
    lines.push(row(2, "header", `offset ${header.offset}, ${header.size} bytes, signature ${header.signature}`));
    lines.push(...fields(4, header.fields));
    lines.push(row(2, "header data", headerdata === null ? "not decrypted" : `${budget.headerPlain} bytes`));
    if (headerdata !== null) lines.push(...fields(4, headerdata));
    for (const payload of payloads) {
      lines.push(row(2, "payload", `offset ${payload.offset}, ${payload.size} bytes, signature ${payload.signature}`));
      const { offset, size, format, signature, members, dataBase64, ...rest } = payload;
      lines.push(...fields(4, rest));
      if (typeof dataBase64 === "string") lines.push(row(4, "body", preview(decodeBase64(dataBase64)!)));
    }
    lines.push(row(2, "bytes by layer", ""));
    for (const [layer, bytes] of Object.entries(budget)) lines.push(row(4, layer, String(bytes)));
  });
  return lines;
}

function row(indent: number, name: string, value: string): string {
  return `${" ".repeat(indent)}${name.padEnd(24 - indent)} ${value}`.trimEnd();
}

function fields(indent: number, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (Array.isArray(value) && value.some((item) => typeof item === "object")) {
      return value.flatMap((item, i) => [row(indent, `${name}[${i}]`, ""), ...fields(indent + 2, item)]);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return [row(indent, name, clip(Array.isArray(value) ? value.join(", ") : String(value)))];
    }
    return [row(indent, name, ""), ...fields(indent + 2, value as Record<string, unknown>)];
  });
}

function clip(text: string): string {
  const safe = text.replace(/\p{Cc}/gu, "·");
  return safe.length > WIDTH ? `${safe.slice(0, WIDTH - 1)}…` : safe;
}

/** Text, CBOR, or the first bytes. */
function preview(body: Uint8Array): string {
  const text = decodeUtf8(body);
  if (text !== null && !/[^\P{Cc}\t\n\r]/u.test(text)) return clip(JSON.stringify(text));
  try {
    return clip(`CBOR ${JSON.stringify(decodeCborBody(body))}`);
  } catch {
    return clip([...body.subarray(0, 24)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "));
  }
}
