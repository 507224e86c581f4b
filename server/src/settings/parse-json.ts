import { UsageError } from "../../../common/command-line/usage-error.js";

/**
 * Parses a JSON file of the operator's.
 *
 * @param label what the error calls the file
 * @throws UsageError one that tells the line, and nothing of what stands in it
 */
export function parseJson(text: string, label: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    // The parser's own message quotes the text around the mistake, and so perhaps a secret: only the place is kept.
    const position = /at position (\d+)/.exec(String(error))?.[1];
    const line = position === undefined ? "" : `, line ${text.slice(0, Number(position)).split("\n").length}`;
    throw new UsageError(`${label}${line}: is not valid JSON`);
  }
}
