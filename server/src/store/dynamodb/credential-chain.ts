import { type DefaultProviderInit, defaultProvider } from "@aws-sdk/credential-provider-node";
import { CredentialsError } from "./credentials-error.js";
import type { SigningCredentials } from "./sigv4.js";

type Credentials = Awaited<ReturnType<ReturnType<typeof defaultProvider>>>;
type ProviderOptions = Parameters<ReturnType<typeof defaultProvider>>[0];

/**
 * AWS's default chain of credentials: environment, profile, container, instance, web identity. With `forceRefresh` they are read
 * past every cache: by the SDK's own, a file is read once in the life of a process.
 */
export function createCredentialChain(init: DefaultProviderInit): (options?: ProviderOptions) => Promise<Credentials> {
  // Not only to read again what was rotated: a file that was not there yet would be remembered as missing.
  const create = () => defaultProvider({ ...init, ignoreCache: true });
  let chain = create();
  let found: { readonly given: Credentials; readonly trimmed: Credentials } | undefined;
  return async (options) => {
    if (options?.forceRefresh === true) {
      // In place of the former only when there are some: what cannot be read may still be good in memory.
      const renewed = create();
      await read(renewed, options);
      chain = renewed;
    }
    const given = await read(chain, options?.forceRefresh === true ? undefined : options);
    if (found?.given !== given) {
      found = { given, trimmed: { ...given, ...trimCredentials(given) } };
    }
    return found.trimmed;
  };
}

async function read(chain: ReturnType<typeof defaultProvider>, options: ProviderOptions): Promise<Credentials> {
  try {
    return await chain(options);
  } catch (cause) {
    throw new CredentialsError(cause);
  }
}

/** Without the line end or space that a file or a secret's store has put after them: no credential has one. */
export function trimCredentials({ accessKeyId, secretAccessKey, sessionToken }: SigningCredentials) {
  return {
    accessKeyId: accessKeyId.trim(),
    secretAccessKey: secretAccessKey.trim(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.trim() }),
  };
}
