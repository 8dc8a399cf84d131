// Checks of a trusted server on a message whose header was read: handshake form, revocation, expiry, replay, in the
// order that decides which error wins ("MSL Messages", checks after the header is parsed).

import type { MslErrorCode } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { MessageHeader } from "../message/header.ts";
import { isPending } from "../platform/awaitable.ts";
import { isVerified } from "../tokens/master-token.ts";
import { isExpired } from "../tokens/times.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";

/** @throws the first failure, with the message id */
export async function checkRequest(header: MessageHeader, issuer: TokenIssuer, now: number): Promise<void> {
  try {
    await check(header, issuer, now);
  } catch (error) {
    if (error instanceof MslProtocolError) error.context.messageId ??= header.messageId;
    throw error;
  }
}

async function check(header: MessageHeader, issuer: TokenIssuer, now: number): Promise<void> {
  const hasKeyRequests = header.keyRequestCount > 0;
  if (header.handshake === true && !(header.renewable && hasKeyRequests)) {
    protocolError("HANDSHAKE_DATA_MISSING", "headerdata.handshake");
  }
  const { masterToken, userIdToken } = header;
  const token = masterToken !== null && isVerified(masterToken) ? masterToken : null;
  if (token !== null) {
    const refusal = issuer.checkMasterToken(token);
    refuse(isPending(refusal) ? await refusal : refusal, "mastertoken");
    if (userIdToken !== null) refuse(await issuer.checkUserIdToken(token, userIdToken), "headerdata.useridtoken");
    if (isExpired(token, null, now)) {
      if (!header.renewable) protocolError("MESSAGE_EXPIRED_NOT_RENEWABLE", "mastertoken");
      if (!hasKeyRequests) protocolError("MESSAGE_EXPIRED_NO_KEYREQUEST_DATA", "mastertoken");
      refuse(await issuer.checkRenewable(token), "mastertoken");
    }
  }
  if (header.nonReplayableId === null) return;
  if (token === null) return protocolError("INCOMPLETE_NONREPLAYABLE_MESSAGE", "headerdata.nonreplayableid");
  refuse(await issuer.acceptNonReplayableId(token, header.nonReplayableId), "headerdata.nonreplayableid");
}

function refuse(code: MslErrorCode | null, where: string): void {
  if (code !== null) protocolError(code, where);
}
