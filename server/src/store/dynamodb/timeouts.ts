/** Timeouts of both data planes. */
export const timeouts = {
  /** Longest time that DynamoDB may take to accept a connection, before the try counts as failed. */
  connectTimeoutMs: 2000,
  /** Longest time that one try may take. A batch of 16 MB needs its time; a caller's deadline cuts it shorter. */
  answerTimeoutMs: 10_000,
  /** More requests than this wait for a connection; MGet alone may have 256 in flight. */
  maxConnections: 512,
} as const;
