/**
 * A request that failed before its first byte was written: DynamoDB cannot have carried it out. It stands around the error
 * itself, and is not a mark on it, because one error of a connection or of a shutdown can end requests that were sent as well.
 */
export class NeverSentError extends Error {
  /** That of the cause, for logs. */
  override readonly name: string;
  /** That of the cause, such as `ECONNREFUSED`. */
  readonly code: unknown;
  /** True if it failed while it was made (its endpoint, its credentials), or for want of a connection. */
  readonly phase: "preparing" | "connecting";

  constructor(phase: NeverSentError["phase"], cause: unknown) {
    const { name, message, code } = (cause ?? {}) as { name?: string; message?: string; code?: unknown };
    super(message ?? String(cause), { cause });
    this.name = name ?? "Error";
    this.code = code;
    this.phase = phase;
  }
}
