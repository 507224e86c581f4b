/**
 * Characters that cannot be seen, or that change how others are seen: controls, those of bidirectional text, and those of no width. A key
 * that holds them must not look like another one.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{DI}]/u;
const hiddenExceptLines = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export interface TextPart {
  readonly text: string;
  /** True if it stands for one character that would not be seen. */
  readonly isMark: boolean;
}

/** Cuts text into what can be shown as it is and marks for what cannot. */
export function toVisibleParts(text: string, { keepLines = false }: { readonly keepLines?: boolean } = {}): TextPart[] {
  const pattern = keepLines ? hiddenExceptLines : hidden;
  if (!pattern.test(text)) {
    return [{ text, isMark: false }];
  }
  const parts: TextPart[] = [];
  let plain = "";
  for (const character of text) {
    if (pattern.test(character)) {
      if (plain !== "") {
        parts.push({ text: plain, isMark: false });
        plain = "";
      }
      parts.push({ text: nameOf(character), isMark: true });
    } else {
      plain += character;
    }
  }
  return plain === "" ? parts : [...parts, { text: plain, isMark: false }];
}

const names: Readonly<Record<string, string>> = { "\0": "NUL", "\t": "TAB", "\n": "LF", "\r": "CR", "\u001b": "ESC" };

function nameOf(character: string): string {
  return names[character] ?? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
