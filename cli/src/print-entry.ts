import type { Entry } from "@dynakv/client";
import { print } from "../../common/command-line/output.js";
import { toEntryJson } from "./entry-json.js";

export interface PrintOptions {
  /** Prints the entry whole. */
  readonly json: boolean;
  /** Prints a value on a terminal too as it is. */
  readonly raw?: boolean;
  /** Nobody can print it again: what a terminal cannot show is printed whole, in base64. */
  readonly isGone?: boolean;
}

/** Prints what a key holds: a value byte for byte, or a counter. On a terminal a newline follows. */
export async function printEntry(entry: Entry, { json, raw = false, isGone = false }: PrintOptions): Promise<void> {
  const value = entry.kind === "value" ? entry.value : Buffer.from(entry.counter.toString());
  const isShown = raw || !process.stdout.isTTY || isText(value);
  if (json || (isGone && !isShown)) {
    await print(`${JSON.stringify(toEntryJson(entry))}\n`);
  } else if (isShown) {
    await print(value);
    await print(raw || !process.stdout.isTTY || value.at(-1) === newline ? "" : "\n");
  } else {
    process.stderr.write(
      `dynakv: the value is ${value.length} bytes that are no text; --raw shows them, --json has them in base64, and > FILE keeps them\n`,
    );
  }
}

const newline = 0x0a;

/** Returns true if a terminal can show it: UTF-8 without the control characters by which a value could steer the terminal. */
function isText(value: Uint8Array): boolean {
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    return !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return false;
  }
}
