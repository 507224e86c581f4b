/**
 * Settings that cannot be used as they were given. The message is one line for the operator; it names the setting and
 * where it came from, and never holds a secret.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
