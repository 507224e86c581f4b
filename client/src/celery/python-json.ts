import { type PythonTypes, readTyped } from "./python-values.js";

/** As deep as JSON may nest: as a chain of a thousand tasks does, each inside the next. Python itself stops there by default. */
const deepest = 2500;
/** As many characters as a number may have: Python's limit for whole numbers (`sys.int_info.default_max_str_digits`), and a sign. */
const longestNumber = 4301;
const numberForm = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A container whose members are being read. */
interface Open {
  readonly members: unknown[];
  /** The names of an object's members; undefined for an array. */
  readonly names: string[] | undefined;
}

/**
 * Reads JSON as Python's `json` and kombu write it. Besides JSON it has `NaN`, `Infinity` and `-Infinity`. A whole number
 * that a JavaScript number does not hold exactly is a bigint. kombu's typed values are what they stand for. It works without
 * recursion, so that no depth exhausts the stack of a caller. Throws a SyntaxError, which does not quote the text.
 */
export function parsePythonJson(text: string, types: PythonTypes = {}): unknown {
  const open: Open[] = [];
  let at = 0;
  for (;;) {
    skipSpace();
    let value: unknown;
    const first = text[at];
    if (first === "{" || first === "[") {
      at++;
      skipSpace();
      if (open.length === deepest) {
        throw new SyntaxError(`JSON that nests deeper than ${deepest}`);
      }
      const container: Open = { members: [], names: first === "{" ? [] : undefined };
      if (text[at] !== (first === "{" ? "}" : "]")) {
        open.push(container);
        readName(container);
        continue;
      }
      at++;
      value = close(container);
    } else {
      value = readScalar(first);
    }
    // A value may be the last of several containers.
    for (;;) {
      skipSpace();
      const container = open.at(-1);
      if (container === undefined) {
        if (at !== text.length) {
          throw wrong();
        }
        return value;
      }
      container.members.push(value);
      const next = text[at++];
      if (next === ",") {
        skipSpace();
        readName(container);
        break;
      }
      if (next !== (container.names === undefined ? "]" : "}")) {
        throw wrong();
      }
      open.pop();
      value = close(container);
    }
  }

  function readName({ names }: Open): void {
    if (names === undefined) {
      return;
    }
    if (text[at] !== '"') {
      throw wrong();
    }
    names.push(readString());
    skipSpace();
    if (text[at++] !== ":") {
      throw wrong();
    }
  }

  function close({ members, names }: Open): unknown {
    if (names === undefined) {
      return members;
    }
    // Not by assignment, for which "__proto__" is not a name like any other.
    return readTyped(Object.fromEntries(names.map((name, index) => [name, members[index]])), types);
  }

  function readScalar(first: string | undefined): unknown {
    switch (first) {
      case '"':
        return readString();
      case "t":
        return readWord("true", true);
      case "f":
        return readWord("false", false);
      case "n":
        return readWord("null", null);
      case "N":
        return readWord("NaN", Number.NaN);
      case "I":
        return readWord("Infinity", Number.POSITIVE_INFINITY);
      case "-":
        return text[at + 1] === "I" ? readWord("-Infinity", Number.NEGATIVE_INFINITY) : readNumber();
      default:
        return readNumber();
    }
  }

  function readWord<T>(word: string, value: T): T {
    if (!text.startsWith(word, at)) {
      throw wrong();
    }
    at += word.length;
    return value;
  }

  function readNumber(): number | bigint {
    const start = at;
    while (isInNumber(text.charCodeAt(at))) {
      at++;
    }
    if (at - start > longestNumber) {
      throw new SyntaxError(`a number of more than ${longestNumber} characters`);
    }
    const digits = text.slice(start, at);
    const match = numberForm.exec(digits);
    if (match === null) {
      throw wrong();
    }
    const isWhole = match[1] === undefined && match[2] === undefined;
    // Python has no whole -0.
    const value = isWhole ? Number(digits) + 0 : Number(digits);
    return isWhole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  function readString(): string {
    const start = at;
    let isPlain = true;
    for (at++; ; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        at++;
        break;
      }
      if (code === 0x5c) {
        isPlain = false;
        at++;
      } else if (!(code >= 0x20)) {
        throw wrong();
      }
    }
    return isPlain ? text.slice(start + 1, at - 1) : parseEscaped(text.slice(start, at));
  }

  function parseEscaped(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw wrong();
    }
  }

  function skipSpace(): void {
    while (isSpace(text.charCodeAt(at))) {
      at++;
    }
  }

  /** JSON.parse's own error quotes the text. */
  function wrong(): SyntaxError {
    return new SyntaxError(`not JSON, at character ${Math.min(at, text.length)}`);
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** A digit, or one of `+-.eE`. */
function isInNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x2b || (code | 0x20) === 0x65;
}
