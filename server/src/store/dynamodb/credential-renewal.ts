import type { SigningCredentials } from "./sigv4.js";

/** Exchanges credentials that were rotated while their cache still holds the old ones. */
export interface CredentialRenewal {
  /** Reads credentials anew when those are refused that are in use. Resolves to whether there are others now. */
  renew(refused: SigningCredentials): Promise<boolean>;
}

/** Gives the credentials in use, or reads them again. */
export type CredentialProvider = (options?: { readonly forceRefresh?: boolean }) => Promise<SigningCredentials>;

/** Credentials that stay refused must not have their source asked for each call. */
const minIntervalMs = 5000;

export function createCredentialRenewal(provider: CredentialProvider): CredentialRenewal {
  let reading: Promise<void> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  async function read(): Promise<void> {
    readAt = performance.now();
    try {
      await provider({ forceRefresh: true });
    } catch {
      // The old ones were refused: that is what the caller is told.
    } finally {
      reading = undefined;
    }
  }

  return {
    async renew(refused) {
      if (!isSame(await provider(), refused)) {
        return true;
      }
      if (reading === undefined && performance.now() - readAt >= minIntervalMs) {
        reading = read();
      }
      await reading;
      return !isSame(await provider(), refused);
    },
  };
}

function isSame(one: SigningCredentials, other: SigningCredentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}
