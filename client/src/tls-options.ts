/** Certificates and keys, in PEM. */
export interface TlsOptions {
  /** The authorities to trust instead of Node's. */
  readonly ca?: string | Buffer;
  /** The client's certificate, for a server that asks for one, and its key. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}
