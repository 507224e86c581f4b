import { maskText } from "./mask-text.js";

/** One slip: a line of a file as esbuild prints it, and what it is changed to. */
export interface Mutant {
  readonly file: string;
  /** Counted from 0. */
  readonly line: number;
  readonly rule: string;
  /** Whether it is a slip in what is asked before something is done, rather than in how much or how often. */
  readonly isOfGuard: boolean;
  readonly before: string;
  readonly after: string;
  /** Tells it from others, also after lines above it have changed. */
  readonly name: string;
}

interface Rule {
  readonly name: string;
  readonly isOfGuard?: true;
  /** What is looked for in the code, without the text in it. */
  readonly code?: RegExp;
  /** What is looked for in the text in it, such as expressions of DynamoDB. */
  readonly text?: RegExp;
  readonly to: (...match: string[]) => string;
}

const swapped =
  (one: string, other: string) =>
  (found = "") =>
    found.replace(found.includes(one) ? one : other, found.includes(one) ? other : one);

const rules: readonly Rule[] = [
  { name: "&& for ||", isOfGuard: true, code: / (&&|\|\|) /g, to: swapped("&&", "||") },
  { name: "equal for unequal", isOfGuard: true, code: / (===|!==) /g, to: swapped("===", "!==") },
  { name: "a bound moved by one", isOfGuard: true, code: / (<|>) (?!=)/g, to: (found) => `${found?.trimEnd()}= ` },
  { name: "a bound moved by one", isOfGuard: true, code: / (<=|>=) /g, to: (found) => ` ${found?.trim()[0]} ` },
  { name: "plus for minus", code: / [+-] (?=[\w(])/g, to: swapped("+", "-") },
  { name: "a negation dropped", isOfGuard: true, code: /!(?=[\w(])/g, to: () => "" },
  {
    name: "a condition that never holds",
    isOfGuard: true,
    code: /(?<=\bif )\(.*\)(?= \{$)/g,
    to: (found) => `(!!0 && ${found})`,
  },
  { name: "true for false", code: /\b(true|false)\b/g, to: swapped("true", "false") },
  {
    name: "another number",
    code: /(?<![\w.$]|\bvoid )\d+(?:\.\d+|e\d+)?n?(?![\w.])/g,
    to: (found = "") => otherNumber(found),
  },
  { name: "another default", code: / \?\? /g, to: () => " && " },
  { name: "least for most", code: /\bMath\.(min|max)\b/g, to: swapped("min", "max") },
  { name: "down for up", code: /\bMath\.(floor|ceil)\b/g, to: swapped("floor", "ceil") },
  { name: "nothing returned", code: /\breturn (?!void )(?=[^;{[(]*;$)/g, to: () => "return void " },
  {
    name: "a call left out",
    isOfGuard: true,
    code: /^\s*(?:await )?(?!super\b|if\b|for\b|while\b|switch\b)[\w.?]+\(.*\);$/g,
    to: () => ";",
  },
  { name: "a part left out", code: /\.\.\.(?=\w)/g, to: () => "...void 0 && " },
  {
    name: "arguments swapped",
    code: /(?<=^(?!.*\bfunction\b).*\w\()(\w+), (\w+)(?=[,)])/g,
    to: (_, one, other) => `${other}, ${one}`,
  },
  { name: "AND for OR", isOfGuard: true, text: / (AND|OR) /g, to: swapped("AND", "OR") },
  {
    name: "exists for exists not",
    isOfGuard: true,
    text: /attribute_(not_)?exists/g,
    to: swapped("attribute_not_exists", "attribute_exists"),
  },
  {
    name: "a bound in a condition",
    isOfGuard: true,
    text: / (<=|<) (?=:)/g,
    to: (found) => (found === " < " ? " <= " : " < "),
  },
];

function otherNumber(found: string): string {
  const digits = found.replace(/n$/, "");
  return `${digits === "0" ? "1" : digits === "1" ? "2" : `(${found} - 1${found.endsWith("n") ? "n" : ""})`}${
    found.endsWith("n") && digits.length === 1 && /[01]/.test(digits) ? "n" : ""
  }`;
}

/** How long something waits is no promise to the millisecond. */
const duration = /\bconst \w+Ms = [\de.]+;$/;

/** What is imported, and what is only written for people, is left alone. */
const leftAlone = /^\s*(import|export \{|\} from)|\b(logger|log)\??\.|\bthrow new \w*Error\(|super\(/;

/** All slips of a file. */
export function makeMutants(file: string, printed: string): Mutant[] {
  const lines = printed.split("\n");
  const maskedLines = maskText(printed).split("\n");
  const counts = new Map<string, number>();
  return lines
    .flatMap((before, line) =>
      leftAlone.test(before) || duration.test(before) ? [] : ofLine(file, line, before, maskedLines[line] ?? ""),
    )
    .map((mutant) => {
      const text = `${mutant.file}: ${mutant.before} => ${mutant.after}`;
      const count = (counts.get(text) ?? 0) + 1;
      counts.set(text, count);
      return { ...mutant, name: count === 1 ? text : `${text} (${count})` };
    });
}

function ofLine(file: string, line: number, before: string, masked: string): Omit<Mutant, "name">[] {
  const found: Omit<Mutant, "name">[] = [];
  for (const { name: rule, isOfGuard = false, code, text, to } of rules) {
    for (const match of (code === undefined ? before : masked).matchAll(code ?? (text as RegExp))) {
      const { 0: whole, index } = match;
      // In text, only where there is no code.
      if (text !== undefined && masked.slice(index, index + whole.length).trim() !== "") {
        continue;
      }
      const [original = "", ...groups] = [before.slice(index, index + whole.length), ...match.slice(1)];
      const after = before.slice(0, index) + to(original, ...groups) + before.slice(index + whole.length);
      if (after !== before) {
        found.push({ file, line, rule, isOfGuard, before: before.trim(), after: after.trim() });
      }
    }
  }
  return found;
}
