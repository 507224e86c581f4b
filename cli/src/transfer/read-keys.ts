import { UsageError } from "../../../common/command-line/usage-error.js";
import { readInput } from "../input.js";
import { readLines } from "./read-lines.js";

/** Longer than any key may be: such a line is no key, and is not worth holding. */
const maxBytes = 64 * 1024;

export interface ReadKeysOptions {
  /** True if a NUL byte ends a key, in place of a newline, which keys may hold. */
  readonly isNull: boolean;
  /** Keys to skip. The default is 0. */
  readonly skip?: number;
  /** Is told of each key, before it is taken, how many bytes of the file end with it. */
  readonly onKey?: (end: number) => void;
}

/** The keys of a file, one a line. Empty lines are none. Throws a UsageError for a line that cannot be a key. */
export async function* readKeys(
  file: string,
  label: string,
  { isNull, skip = 0, onKey = () => {} }: ReadKeysOptions,
): AsyncGenerator<string> {
  let left = skip;
  for await (const { number, text, problem, end } of readLines(readInput(file, label), {
    maxBytes,
    ...(isNull ? { separator: 0 } : {}),
  })) {
    if (text === undefined) {
      throw new UsageError(`${label}: line ${number} ${problem}`);
    }
    if (text !== "" && left-- <= 0) {
      onKey(end);
      yield text;
    }
  }
}
