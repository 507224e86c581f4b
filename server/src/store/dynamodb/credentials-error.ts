/** There are no credentials to sign a request with, or none yet. */
export class CredentialsError extends Error {
  /** That of the provider, such as `CredentialsProviderError`, for logs. */
  override readonly name: string;
  constructor(cause: unknown) {
    const { name = "CredentialsProviderError", message = "" } = (cause ?? {}) as Partial<Error>;
    super(message, { cause });
    this.name = name;
  }
}
