/** Exit codes, documented in docs/cli.md. */
export const exitCodes = {
  done: 0,
  /** `serve` could not start, or failed. */
  failure: 1,
  /** The answer is no: no entry, a condition failed, a bound was met, or some lines could not be imported. */
  no: 1,
  /** It was called wrongly; calling it again in the same way cannot help. */
  usage: 2,
  /** The call failed: there is no server, it refused, or it could not. */
  failed: 3,
  /** A write failed, and nobody knows whether it was applied. */
  unknown: 4,
  /** A second signal ended it before it was done: 128 and the signal's number, as shells have it. */
  SIGINT: 130,
  /** The reader of stdout has closed the pipe. */
  SIGPIPE: 141,
  SIGTERM: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
