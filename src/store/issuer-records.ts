// The records of an issuer's state file: one change each, as CBOR. Format 2; the records of format 1, which knew one line
// an identity and no users, are read too.

import { decodeObject, type EncodeFields, encodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { TokenLine } from "../tokens/issuer-state.ts";
import { NO_REPLAY_STATE, type ReplayState } from "../tokens/replay.ts";
import type { IssuerChange } from "./issuer-memory.ts";

export const FORMAT = 2;

export function encodeChange(change: IssuerChange): Uint8Array {
  return encodeObject("CBOR", fieldsOf(change));
}

function fieldsOf(change: IssuerChange): EncodeFields {
  const { kind } = change;
  switch (kind) {
    case "authenticated":
    case "anonymous": {
      const { line, replay } = change.record;
      return { kind, identity: change.identity, line: lineFields(line), replay: { ...replay } };
    }
    case "stray":
      return { kind, identity: change.identity, serialnumber: change.serialNumber, replay: { ...change.replay } };
    case "entity":
      return { kind, identity: change.identity, revoked: change.isRevoked };
    case "user":
      return {
        kind: "account",
        user: change.user,
        revoked: change.record.isRevoked,
        generation: change.record.generation,
      };
    default:
      return { kind, serialnumber: change.serialNumber };
  }
}

function lineFields(line: TokenLine): EncodeFields {
  return { serialnumber: line.serialNumber, newest: line.newest, parent: line.parent };
}

/** What a record changes; one of format 1 may be two changes. @throws MSL_PARSE_ERROR */
export function readChanges(record: Uint8Array): readonly IssuerChange[] {
  const map = decodeObject(record, "issuer");
  const kind = map.string("kind");
  const serialNumber = () => map.int("serialnumber", 0, MAX_ID);
  switch (kind) {
    case "authenticated":
    case "anonymous": {
      const value = { line: readLine(map.map("line")), replay: readReplay(map.map("replay")) };
      return [{ kind, identity: map.string("identity"), record: value }];
    }
    case "stray":
      return [
        { kind, identity: map.string("identity"), serialNumber: serialNumber(), replay: readReplay(map.map("replay")) },
      ];
    case "entity":
      return [{ kind, identity: map.string("identity"), isRevoked: map.has("revoked") ? map.bool("revoked") : true }];
    case "account": {
      const value = { isRevoked: map.bool("revoked"), generation: map.int("generation", 0, MAX_ID) };
      return [{ kind: "user", user: map.string("user"), record: value }];
    }
    case "master-token":
    case "user-id-token":
      return [{ kind, serialNumber: serialNumber() }];
    case "identity":
      return readFirstFormat(map);
    case "master":
      return [{ kind: "master-token", serialNumber: serialNumber() }];
    case "user":
      return [{ kind: "user-id-token", serialNumber: serialNumber() }];
    default:
      return protocolError("MSL_PARSE_ERROR", "issuer.kind");
  }
}

/** An identity of format 1: its line and a replay state, which may be of another serial number. */
function readFirstFormat(map: MslMap): readonly IssuerChange[] {
  const identity = map.string("identity");
  const lineMap = map.mapOr("line");
  const replayMap = map.mapOr("replay");
  const line = lineMap === null ? null : readLine(lineMap);
  const seen =
    replayMap === null
      ? null
      : { serialNumber: replayMap.int("serialnumber", 0, MAX_ID), replay: readReplay(replayMap) };
  const isOfLine = seen !== null && seen.serialNumber === line?.serialNumber;
  const changes: IssuerChange[] = [];
  if (line !== null) {
    const replay = isOfLine ? seen.replay : NO_REPLAY_STATE;
    changes.push({ kind: "authenticated", identity, record: { line, replay } });
  }
  if (seen !== null && !isOfLine) changes.push({ kind: "stray", identity, ...seen });
  return changes;
}

function readLine(map: MslMap): TokenLine {
  return {
    serialNumber: map.int("serialnumber", 0, MAX_ID),
    newest: map.int("newest", 0, MAX_ID),
    parent: map.intOr("parent", 0, MAX_ID),
  };
}

function readReplay(map: MslMap): ReplayState {
  return {
    newest: map.int("newest", 0, MAX_ID),
    low: map.int("low", -0x80000000, 0x7fffffff),
    high: map.int("high", -0x80000000, 0x7fffffff),
  };
}
