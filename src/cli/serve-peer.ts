// `tinymsl serve --network p2p`: a peer that answers over TCP and over HTTP on one port, and issues with `peermsl`.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "../control/api.ts";
import type { Admission } from "../control/api.ts";
import { createPeer } from "../control/peer.ts";
import type { PeerHandler } from "../control/peer-api.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { fileStorage } from "../store/file-storage-node.ts";
import type { StateStorage } from "../store/snapshot-storage.ts";
import type { ListenOptions } from "../transport/server-node.ts";
import { listenForPeers } from "../transport/listen-peer-node.ts";
import type { Io } from "./io.ts";

export interface PeerService {
  /** Folder of the state, or null: memory. */
  readonly folder: string | null;
  readonly listen: ListenOptions;
  /** Called for each message, before it is awaited or read. */
  readonly admitNext: () => Admission;
  readonly answer: (body: Promise<Uint8Array>) => Promise<Uint8Array>;
}

/** Runs until the process is asked to stop. */
export async function servePeer(config: ServerConfig, service: PeerService, io: Io): Promise<void> {
  const { folder, answer, admitNext } = service;
  const peer = await createPeer({ ...config, ...(folder !== null && { storage: peerStorage(folder) }) });
  const handler: PeerHandler = async (request) => ({ body: await answer(request.bytes()) });
  const onError = (error: unknown) =>
    io.err(`not answered: ${error instanceof Error ? error.message : "unknown failure"}`);
  const listening = await listenForPeers(
    (connection) => peer.serve(connection, handler, { admitNext }),
    (reader, writer, { signal }) => peer.answer(reader, writer, handler, { signal, admit: admitNext() }),
    { ...service.listen, onError },
  );
  io.out(JSON.stringify({ listening: listening.url, http: listening.httpUrl }));
  await new Promise<void>((resolve) => io.onStop(resolve));
  await listening.close(GRACE_MS);
  await peer.close();
}

const GRACE_MS = 5000;

/** A file for each counterpart; its name says nothing and cannot leave the folder. */
export function peerStorage(folder: string): (counterpart: string) => StateStorage {
  const path = join(folder, "peers");
  mkdirSync(path, { recursive: true });
  return (counterpart) => {
    const name = Buffer.from(encodeUtf8(counterpart) ?? new Uint8Array(0)).toString("hex");
    return fileStorage(join(path, `${name.slice(0, 200) || "unnamed"}.state`));
  };
}
