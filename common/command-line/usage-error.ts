/**
 * Settings that cannot be used as they were given. The message is one line for the operator; it names the setting and
 * where it came from, and never holds a secret, nor a character that a terminal would obey.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(message.replace(/[\p{Cc}\u2028\u2029]/gu, escapeCharacter));
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
