// Writes message headers ("MSL Messages"):
//   header     = { "entityauthdata": {...} | "mastertoken": {...}, "headerdata": binary, "signature": binary }
//   headerdata = { "sender"?, "timestamp", "messageid", "nonreplayable", "nonreplayableid"?, "renewable", "handshake",
//                  "capabilities"?, "keyrequestdata"?: [...], "keyresponsedata"?, "userauthdata"?, "useridtoken"?,
//                  "servicetokens"?: [...], "peermastertoken"?, "peeruseridtoken"?, "peerservicetokens"?: [...] }
// Interop: `sender` and `nonreplayable` are read by no current stack, but old ones expect them.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import { sealPair } from "../crypto/seal.ts";
import { type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { type EntityAuthData, entityAuthFields } from "../entity-auth/scheme.ts";
import type { KeyRequest } from "../key-exchange/scheme.ts";
import { encodedMasterToken, type MasterToken, masterTokenFields } from "../tokens/master-token.ts";
import { type ServiceToken, serviceTokenFields } from "../tokens/service-token.ts";
import { type UserIdToken, userIdTokenFields } from "../tokens/user-id-token.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import { type Capabilities, capabilitiesFields } from "./capabilities.ts";
import type { PeerTokens } from "./header.ts";

export interface KeyResponse {
  readonly scheme: string;
  readonly keydata: EncodeFields;
  readonly masterToken: MasterToken;
}

export interface OutgoingHeader {
  readonly format: Format;
  /** Exactly one of the two. */
  readonly entityAuth: EntityAuthData | null;
  readonly masterToken: MasterToken | null;
  readonly context: CryptoContext;
  /** Own identity, written next to a master token; "" if unknown. */
  readonly sender: string;
  readonly timestamp: number | null;
  readonly messageId: number;
  readonly nonReplayableId: number | null;
  readonly renewable: boolean;
  readonly handshake: boolean;
  readonly capabilities: Capabilities | null;
  readonly keyRequests: readonly KeyRequest[];
  readonly keyResponse: KeyResponse | null;
  readonly userAuth: UserAuthData | null;
  readonly userIdToken: UserIdToken | null;
  readonly serviceTokens: readonly ServiceToken[];
  readonly peer: PeerTokens;
}

/** The header object on the wire. */
export async function writeHeader(header: OutgoingHeader): Promise<Uint8Array> {
  const plain = encodeObject(header.format, headerData(header));
  try {
    const { data, signature } = await sealPair(header.context, plain, header.format);
    const token = header.masterToken;
    return encodeObject(header.format, {
      mastertoken: token === null ? null : encodedMasterToken(header.format, token),
      entityauthdata: token === null && header.entityAuth !== null ? entityAuthFields(header.entityAuth) : null,
      headerdata: data,
      signature,
    });
  } finally {
    plain.fill(0); // credentials may ride in it
  }
}

function headerData(header: OutgoingHeader): EncodeFields {
  const { keyResponse, peer } = header;
  return {
    sender: header.masterToken === null ? null : header.sender,
    timestamp: header.timestamp,
    messageid: header.messageId,
    nonreplayable: header.nonReplayableId !== null,
    nonreplayableid: header.nonReplayableId,
    renewable: header.renewable,
    handshake: header.handshake,
    capabilities: header.capabilities === null ? null : capabilitiesFields(header.capabilities),
    keyrequestdata: orAbsent(header.keyRequests.map((r) => ({ scheme: r.scheme, keydata: r.keydata }))),
    keyresponsedata:
      keyResponse === null
        ? null
        : {
            mastertoken: masterTokenFields(keyResponse.masterToken),
            scheme: keyResponse.scheme,
            keydata: keyResponse.keydata,
          },
    userauthdata:
      header.userAuth === null ? null : { scheme: header.userAuth.scheme, authdata: header.userAuth.authdata },
    useridtoken: header.userIdToken === null ? null : userIdTokenFields(header.userIdToken),
    servicetokens: orAbsent(header.serviceTokens.map(serviceTokenFields)),
    peermastertoken: peer.masterToken === null ? null : masterTokenFields(peer.masterToken),
    peeruseridtoken: peer.userIdToken === null ? null : userIdTokenFields(peer.userIdToken),
    peerservicetokens: orAbsent(peer.serviceTokens.map(serviceTokenFields)),
  };
}

function orAbsent(list: readonly EncodeFields[]): readonly EncodeFields[] | null {
  return list.length > 0 ? list : null;
}
