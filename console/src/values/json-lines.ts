/**
 * JSON as lines, each of them a piece of the text as it stands there: integers past 2^53, repeated names and `__proto__` stay what they
 * are, since nothing is made of them. It needs no stack, however deep the JSON is.
 */
export interface JsonLine {
  readonly depth: number;
  /** The name with its quotes, where it is a member of an object. */
  readonly name: string | undefined;
  readonly kind: "open" | "close" | "string" | "number" | "word";
  /** The scalar or bracket as it stands in the text; `{}` and `[]` for what is empty. */
  readonly text: string;
  /** Of an opening bracket: the line of its closing one, and how many members lie between. */
  end: number;
  members: number;
  /** True if a comma follows. */
  hasComma: boolean;
}

/** Where text stops to be JSON. */
export interface JsonFault {
  readonly position: number;
  readonly message: string;
}

export type ParsedJson =
  | { readonly lines: readonly JsonLine[]; readonly fault: undefined }
  | { readonly lines: undefined; readonly fault: JsonFault };

interface Open {
  readonly line: number;
  readonly isObject: boolean;
}

export function parseJsonLines(text: string): ParsedJson {
  try {
    return { lines: readLines(text), fault: undefined };
  } catch (error) {
    if (error instanceof Fault) {
      return { lines: undefined, fault: { position: error.position, message: error.message } };
    }
    throw error;
  }
}

class Fault extends Error {
  readonly position: number;
  constructor(position: number, message: string) {
    super(message);
    this.position = position;
  }
}

function readLines(text: string): JsonLine[] {
  const lines: JsonLine[] = [];
  const open: Open[] = [];
  let at = skipSpace(text, text.charCodeAt(0) === 0xfeff ? 1 : 0);

  function add(kind: JsonLine["kind"], name: string | undefined, piece: string, depth = open.length): JsonLine {
    const line: JsonLine = { depth, name, kind, text: piece, end: -1, members: 0, hasComma: false };
    lines.push(line);
    return line;
  }

  /** A value, or the bracket that opens it. Returns true if the value is over with it. */
  function readValue(name: string | undefined): boolean {
    const character = text[at];
    if (character === "{" || character === "[") {
      const isObject = character === "{";
      const after = skipSpace(text, at + 1);
      if (text[after] === (isObject ? "}" : "]")) {
        add("word", name, isObject ? "{}" : "[]");
        at = after + 1;
        return true;
      }
      add("open", name, character);
      open.push({ line: lines.length - 1, isObject });
      at = after;
      return false;
    }
    const from = at;
    if (character === '"') {
      at = endOfString(text, at);
      add("string", name, text.slice(from, at));
      return true;
    }
    const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
    scalar.lastIndex = at;
    const [found] = scalar.exec(text) ?? [];
    if (found === undefined) {
      throw new Fault(at, at >= text.length ? "the text ends where a value is wanted" : "a value is wanted here");
    }
    at += found.length;
    add(/[a-z]$/.test(found) ? "word" : "number", name, found);
    return true;
  }

  function readMember(): boolean {
    const { isObject, line } = open.at(-1) as Open;
    (lines[line] as JsonLine).members++;
    if (!isObject) {
      return readValue(undefined);
    }
    if (text[at] !== '"') {
      throw new Fault(at, "a name in double quotes is wanted here");
    }
    const from = at;
    at = endOfString(text, at);
    const name = text.slice(from, at);
    at = skipSpace(text, at);
    if (text[at] !== ":") {
      throw new Fault(at, "a colon is wanted here");
    }
    at = skipSpace(text, at + 1);
    return readValue(name);
  }

  let isOver = readValue(undefined);
  while (open.length > 0) {
    if (!isOver) {
      isOver = readMember();
      continue;
    }
    at = skipSpace(text, at);
    const { isObject, line } = open.at(-1) as Open;
    if (text[at] === ",") {
      lastLine(lines).hasComma = true;
      at = skipSpace(text, at + 1);
      isOver = readMember();
    } else if (text[at] === (isObject ? "}" : "]")) {
      open.pop();
      add("close", undefined, text[at] as string);
      (lines[line] as JsonLine).end = lines.length - 1;
      at++;
    } else {
      throw new Fault(at, `a comma or ${isObject ? "}" : "]"} is wanted here`);
    }
  }
  at = skipSpace(text, at);
  if (at < text.length) {
    throw new Fault(at, "the JSON is over here, and the text is not");
  }
  return lines;
}

function lastLine(lines: readonly JsonLine[]): JsonLine {
  return lines[lines.length - 1] as JsonLine;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 13 || code === 9; ) {
    at++;
    code = text.charCodeAt(at);
  }
  return at;
}

/** The position after the closing quote. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      return at + 1;
    }
    if (code === 0x5c) {
      const escaped = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
      escaped.lastIndex = at + 1;
      const [found] = escaped.exec(text) ?? [];
      if (found === undefined) {
        throw new Fault(at, "this escape is none of JSON's");
      }
      at += found.length;
    } else if (code < 0x20) {
      throw new Fault(at, "a string holds no control characters: write them as escapes");
    }
  }
  throw new Fault(text.length, "a string has no closing quote");
}

/** Line and column of a position, from 1. */
export function placeOf(text: string, position: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, position).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
