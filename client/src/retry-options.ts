/** How often and how patiently failed calls are repeated. Which ones may be is not a setting: the schema says so. */
export interface RetryOptions {
  /** How many attempts a call has, the first included, at least 1. The default is 20, which are some eight seconds. */
  readonly maxAttempts?: number | undefined;
  /** The longest pause before the second attempt, in milliseconds. It doubles with each. The default is 25. */
  readonly baseDelayMs?: number | undefined;
  /** The longest pause of all, in milliseconds. The default is 1000. */
  readonly maxDelayMs?: number | undefined;
}
