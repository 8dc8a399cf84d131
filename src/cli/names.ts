// Names of entities, key exchanges and users as the command line writes them, and what this build contains of them.

import type { KeyExchangeSupport } from "../control/api.ts";
import { fail } from "./options.ts";

export interface Name {
  readonly scheme: string;
  readonly rest: string;
}

const ENTITIES = ["PSK", "PSK_PROFILE", "RSA", "ECC", "X509", "NONE", "NONE_SUFFIXED", "PROVISIONED", "MT_PROTECTED"];
const KEY_EXCHANGES = ["SYMMETRIC_WRAPPED", "ASYMMETRIC_WRAPPED", "DIFFIE_HELLMAN", "JWE_LADDER", "JWK_LADDER", "ECDH"];

export function split(name: string): Name {
  const colon = name.indexOf(":");
  return colon < 0 ? { scheme: name, rest: "" } : { scheme: name.slice(0, colon), rest: name.slice(colon + 1) };
}

/** `PSK:id`, `RSA:pubkeyid`, `PROVISIONED`, `MT_PROTECTED:` and another one … @throws UsageError */
export function entityName(text: string): Name {
  const name = split(text);
  if (!ENTITIES.includes(name.scheme)) fail(`unknown entity scheme in ${text}`);
  if (name.scheme === "PROVISIONED" ? name.rest !== "" : name.rest === "") {
    fail(name.scheme === "PROVISIONED" ? `${text}: PROVISIONED takes no name` : `${text} names no identity`);
  }
  if (name.scheme === "MT_PROTECTED" && entityName(name.rest).scheme === "MT_PROTECTED") fail(`${text} is nested`);
  return name;
}

/** A comma-separated list, or NONE. @throws UsageError */
export function keyExchangeNames(text: string): readonly string[] {
  if (text === "NONE") return [];
  return text.split(",").map((item) => {
    const { scheme } = split(item);
    if (!KEY_EXCHANGES.includes(scheme)) fail(`unknown key exchange ${item}`);
    return item;
  });
}

/** A comma-separated list of key exchanges, without their variants. @throws UsageError */
export function schemeNames(text: string): readonly string[] {
  return text.split(",").map((item) => (KEY_EXCHANGES.includes(item) ? item : fail(`unknown key exchange ${item}`)));
}

export const KEY_SUPPORT: readonly KeyExchangeSupport[] = ["known", "advertised", "probe", "probe-unauthenticated"];

/** `EMAIL_PASSWORD:userid`, `USER_ID_TOKEN`. @throws UsageError */
export function userName(text: string): Name {
  const name = split(text);
  if (text === "USER_ID_TOKEN") return name;
  if (name.scheme !== "EMAIL_PASSWORD") fail(`unknown user scheme in ${text}`);
  if (name.rest === "") fail(`${text} names no user`);
  return name;
}
