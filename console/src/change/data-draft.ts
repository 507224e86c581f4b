import type { Entry } from "@dynakv/client/web";
import { parseJsonLines, placeOf } from "../values/json-lines.js";
import { toText } from "../values/text.js";
import type { NewData } from "./changes.js";

export type DataFormat = "text" | "json" | "file" | "counter";

/** What is being typed. */
export interface DataDraft {
  readonly format: DataFormat;
  readonly text: string;
  /** By which lines end: a text field has them as LF, whatever was there. */
  readonly lineEnd: "\n" | "\r\n";
  readonly file: Uint8Array | undefined;
  readonly counter: string;
  /** What the person should know of the text. */
  readonly note: string | undefined;
}

export function draftOf(entry: Entry | undefined): DataDraft {
  const empty: DataDraft = { format: "text", text: "", lineEnd: "\n", file: undefined, counter: "", note: undefined };
  if (entry === undefined) {
    return empty;
  }
  if (entry.kind === "counter") {
    return { ...empty, format: "counter", counter: entry.counter.toString() };
  }
  const text = toText(entry.value);
  if (text === undefined) {
    return { ...empty, format: "file" };
  }
  const isStructure = (parseJsonLines(text).lines?.length ?? 0) > 1;
  return { ...empty, format: isStructure ? "json" : "text", text, ...lineEndOf(text) };
}

/** A text field makes LF of CRLF and of CR. Where all are CRLF they can be made so again. */
function lineEndOf(text: string): Pick<DataDraft, "lineEnd" | "note"> {
  if (!text.includes("\r")) {
    return { lineEnd: "\n", note: undefined };
  }
  return /(^|[^\r])\n|\r(?!\n)/.test(text)
    ? {
        lineEnd: "\n",
        note: "Its lines end in several ways; they will all end with LF. A file keeps them as they are.",
      }
    : { lineEnd: "\r\n", note: "Its lines end with CRLF, and will." };
}

const lowest = -(2n ** 63n);
const highest = 2n ** 63n - 1n;

/** What is to be stored, or what is wrong with what was typed. */
export function toData({
  format,
  text,
  lineEnd,
  file,
  counter,
}: DataDraft): { readonly data: NewData } | { readonly problem: string } {
  switch (format) {
    case "json": {
      const { fault } = parseJsonLines(text);
      if (fault !== undefined) {
        const { line, column } = placeOf(text, fault.position);
        return { problem: text === "" ? "" : `Line ${line}, column ${column}: ${fault.message}.` };
      }
      return { data: encode(text, lineEnd) };
    }
    case "text":
      return { data: encode(text, lineEnd) };
    case "file":
      return file === undefined ? { problem: "Choose a file." } : { data: { kind: "value", value: file } };
    case "counter": {
      if (!/^[+-]?\d+$/.test(counter.trim())) {
        return { problem: "A whole number is wanted." };
      }
      const value = BigInt(counter.trim());
      return value < lowest || value > highest
        ? { problem: `A counter lies between ${lowest} and ${highest}.` }
        : { data: { kind: "counter", counter: value } };
    }
  }
}

function encode(text: string, lineEnd: string): NewData {
  const whole = lineEnd === "\n" ? text : text.replaceAll(/\r?\n/g, lineEnd);
  return { kind: "value", value: new TextEncoder().encode(whole) };
}

/** Indented JSON, of which every name, string and number stays as it was typed. */
export function formatJson(text: string): string {
  const { lines } = parseJsonLines(text);
  if (lines === undefined) {
    return text;
  }
  return lines
    .map(({ depth, name, text: piece, hasComma }) => {
      const start = name === undefined ? "" : `${name}: `;
      return `${"  ".repeat(depth)}${start}${piece}${hasComma ? "," : ""}`;
    })
    .join("\n");
}
