// What an operator does to a network: revocation and forced re-authentication of entities and users. Takes effect with
// the next message at every server that shares the state.

import type { IssuerState } from "./issuer-state.ts";

export interface Administration {
  /** Refuses the entity: its tokens (MASTERTOKEN_IDENTITY_REVOKED) and, with `isRevoked` as policy, its authentication. */
  revokeEntity(identity: string): Promise<void>;
  restoreEntity(identity: string): Promise<void>;
  /** Voids the entity's present tokens; its next message is answered with ENTITY_REAUTH and it may come back. */
  demandEntityReauth(identity: string): Promise<void>;
  /** Voids all tokens of one line, by the serial number that logs show. */
  revokeMasterToken(serialNumber: number): Promise<void>;
  /** Refuses the user: the tokens that it holds, and new ones. */
  revokeUser(user: string): Promise<void>;
  restoreUser(user: string): Promise<void>;
  /** Voids the tokens that the user holds on every device: USER_REAUTH, and a login gives new ones. */
  demandLogin(user: string): Promise<void>;
  revokeUserIdToken(serialNumber: number): Promise<void>;
  /** For `EntityPolicy.isRevoked` of the entity schemes. */
  isRevoked(identity: string): Promise<boolean>;
}

export function administration(state: IssuerState): Administration {
  return {
    revokeEntity: async (identity) => state.revokeEntity(identity),
    restoreEntity: async (identity) => state.restoreEntity(identity),
    async demandEntityReauth(identity) {
      for (const { serialNumber } of await state.readLines(identity)) await state.revokeMasterToken(serialNumber);
    },
    revokeMasterToken: async (serialNumber) => state.revokeMasterToken(serialNumber),
    revokeUser: async (user) => state.revokeUser(user),
    restoreUser: async (user) => state.restoreUser(user),
    demandLogin: async (user) => state.demandLogin(user),
    revokeUserIdToken: async (serialNumber) => state.revokeUserIdToken(serialNumber),
    isRevoked: async (identity) => state.isEntityRevoked(identity),
  };
}
