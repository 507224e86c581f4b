/**
 * Source text as esbuild prints it, with what stands in strings, templates and regular expressions replaced by blanks, character for
 * character: what is left is code.
 */
export function maskText(code: string): string {
  let masked = "";
  /** For each template that is open: how many braces are open in its expression. */
  const templates: number[] = [];
  let at = 0;

  function take(length: number): void {
    masked += code.slice(at, at + length);
    at += length;
  }

  /** Blanks all up to the end of a literal, whose closing mark stays. */
  function blankUntil(isEnd: (at: number) => boolean): void {
    while (at < code.length && !isEnd(at)) {
      const length = code[at] === "\\" ? 2 : 1;
      masked += code.slice(at, at + length).replace(/[^\n]/g, " ");
      at += length;
    }
  }

  function blankTemplate(): void {
    blankUntil((place) => code[place] === "`" || code.startsWith("${", place));
    if (code[at] === "`") {
      take(1);
    } else {
      take(2);
      templates.push(0);
    }
  }

  while (at < code.length) {
    const character = code[at];
    const open = templates.at(-1);
    if (character === '"' || character === "'") {
      take(1);
      blankUntil((place) => code[place] === character);
      take(1);
    } else if (character === "`") {
      take(1);
      blankTemplate();
    } else if (character === "/" && /(?:[(,=:[!&|?{};+]|\breturn)\s*$/.test(masked)) {
      take(1);
      let isClass = false;
      blankUntil((place) => {
        isClass = code[place] === "[" || (isClass && code[place] !== "]");
        return code[place] === "/" && !isClass;
      });
      take(1);
    } else if (open !== undefined && character === "{") {
      templates[templates.length - 1] = open + 1;
      take(1);
    } else if (open !== undefined && character === "}") {
      take(1);
      if (open === 0) {
        templates.pop();
        blankTemplate();
      } else {
        templates[templates.length - 1] = open - 1;
      }
    } else {
      take(1);
    }
  }
  return masked;
}
