/** What a terminal, or whoever reads a pasted line, would not show as it is. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * A word for a POSIX shell. One that holds what cannot be seen is written as Bash and Zsh have it, `$'…'`, so that nobody pastes what he
 * does not see. Undefined for one with NUL, which no argument of a program can hold.
 */
export function quoteForShell(word: string): string | undefined {
  if (word.includes("\0")) {
    return undefined;
  }
  if (/^[\w@%+=:,./-]+$/.test(word)) {
    return word;
  }
  if (!unseen.test(word)) {
    return `'${word.replaceAll("'", "'\\''")}'`;
  }
  const escaped = Array.from(word, (character) => {
    if (character === "'" || character === "\\") {
      return `\\${character}`;
    }
    return unseen.test(character) ? shellEscape(character) : character;
  });
  return `$'${escaped.join("")}'`;
}

/** By its bytes, each of three octal digits: so the digit behind it is not taken for a part of it, whatever the locale. */
function shellEscape(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/** A string of JSON, and of TypeScript, with escapes for what cannot be seen. */
export function quoteForCode(text: string): string {
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
