/** The type of what came in place of an argument, for an error: never what it holds, which may be a value, a key or a token. */
export function kindOf(given: unknown): string {
  switch (typeof given) {
    case "undefined":
      return "undefined";
    case "object":
      return given === null ? "null" : withArticle(tagOf(given));
    default:
      return withArticle(typeof given);
  }
}

/** The same of an option, where a number or a flag tells more than its type. */
export function describe(given: unknown): string {
  switch (typeof given) {
    case "number":
      return `the number ${given}`;
    case "bigint":
      return `the bigint ${shorten(String(given))}n`;
    case "boolean":
      return String(given);
    default:
      return kindOf(given);
  }
}

/** A name that is not known, which may have any length. */
export function quote(name: string): string {
  return JSON.stringify(shorten(name));
}

/** The tag of `Object.prototype.toString`, also of objects of another realm; of a proxy it may throw. */
export function tagOf(object: unknown): string {
  try {
    return Object.prototype.toString.call(object).slice(8, -1);
  } catch {
    return "Object";
  }
}

function withArticle(name: string): string {
  const short = shorten(name);
  return `${/^[aeio]|^U(?!int)/i.test(short) ? "an" : "a"} ${short}`;
}

const longest = 40;

function shorten(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
