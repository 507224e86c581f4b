/** How the command ends. */
export const exitCodes = {
  done: 0,
  /** It could not start, or failed. */
  failure: 1,
  /** It was called wrongly; calling it again in the same way cannot help. */
  usage: 2,
  /** A second signal ended it before it was done: 128 and the signal's number, as shells have it. */
  SIGINT: 130,
  SIGTERM: 143,
} as const;
