import type { CredentialProvider } from "./credential-renewal.js";
import type { SigningScope } from "./sigv4.js";

/** Endpoint and signing scope of requests. */
export interface SigningTarget extends SigningScope {
  /** Such as `https://dynamodb.eu-west-1.amazonaws.com`. */
  readonly origin: string;
  /** The `host` header of a request there. */
  readonly host: string;
  /** The path, which is `/` but for an endpoint behind a proxy that adds one. */
  readonly path: string;
}

/** Where requests go, and who signs them. */
export interface RequestSource {
  readonly credentials: CredentialProvider;
  /** Finds endpoint and signing scope, which can depend on the account, and so on the credentials. */
  findTarget(): Promise<SigningTarget>;
}
