/** Retry policy. Which calls may be retried is no option: the schema decides. */
export interface RetryOptions {
  /** Number of attempts a call has, the first included, at least 1. The default is 20, which are some eight seconds. */
  readonly maxAttempts?: number | undefined;
  /** The longest pause before the second attempt, in milliseconds. It doubles with each. The default is 25. */
  readonly baseDelayMs?: number | undefined;
  /** The longest pause of all, in milliseconds. The default is 1000. */
  readonly maxDelayMs?: number | undefined;
}
