// Distinguished names (RFC 5280 §4.1.2.4) as text: RFC 2253 in the form that the reference prints, which is the identity
// of an entity with a certificate. Last RDN first; types other than the nine below as dotted OID with `#` and the DER
// value in hexadecimal.

import { DerError, DerReader, oidText, TAG } from "../../encoding/der.ts";
import { decodeUtf8 } from "../../encoding/utf8.ts";

const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["0.9.2342.19200300.100.1.1", "UID"],
]);

const STRINGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.printableString,
  TAG.t61String,
  TAG.ia5String,
  TAG.generalString,
]);

const MAX_RDNS = 64;

/** @param name  the RDNSequence, whole. @throws DerError */
export function nameText(name: Uint8Array): string {
  const outer = new DerReader(name);
  const sequence = outer.enter();
  outer.end();
  const rdns: string[] = [];
  while (!sequence.isAtEnd) {
    if (rdns.length === MAX_RDNS) throw new DerError("too many RDNs");
    rdns.push(rdnText(sequence.enter(TAG.set)));
  }
  return rdns.reverse().join(",");
}

function rdnText(set: DerReader): string {
  const parts: string[] = [];
  do {
    const attribute = set.enter();
    const oid = oidText(attribute.next(TAG.oid).content);
    const value = attribute.next();
    attribute.end();
    const keyword = KEYWORDS.get(oid);
    const text = keyword !== undefined && STRINGS.has(value.tag) ? decodeUtf8(value.content) : null;
    parts.push(
      keyword === undefined || text === null ? `${keyword ?? oid}=#${hex(value.whole)}` : `${keyword}=${escaped(text)}`,
    );
  } while (!set.isAtEnd);
  return parts.join("+");
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const SPECIAL = new Set(',=+<>#;"\\');

/** Special characters, and blanks at both ends, behind a backslash; NUL as `\00`. */
function escaped(text: string): string {
  const plain = [...text].map((char) => (SPECIAL.has(char) ? `\\${char}` : char === "\0" ? "\\00" : char)).join("");
  const isBlank = (char: string | undefined) => char === " " || char === "\r";
  let lead = 0;
  while (lead < plain.length && isBlank(plain[lead])) lead++;
  let trail = plain.length;
  while (trail > lead && isBlank(plain[trail - 1])) trail--;
  const blanks = (from: number, to: number) => [...plain.slice(from, to)].map((char) => `\\${char}`).join("");
  return blanks(0, lead) + plain.slice(lead, trail) + blanks(trail, plain.length);
}
