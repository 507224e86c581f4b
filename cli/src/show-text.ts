/**
 * Text as a terminal may have it. What holds characters that a terminal obeys, or that end a line, is shown as a string of JSON, and so is
 * what begins as one: two texts never look alike.
 */
export function showText(text: string): string {
  return /[\p{Cc}\p{Zl}\p{Zp}]|^"/u.test(text)
    ? JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, escapeCharacter)
    : text;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
