import { type CeleryKey, readCeleryKey } from "./celery-key.js";
import { type JsonLine, parseJsonLines } from "./json-lines.js";
import { sniffImage } from "./sniff-image.js";
import { toText } from "./text.js";

export type Form = "celery" | "json" | "text" | "image" | "hex";

/** In which forms a value can be shown, and what each needs. The first is what suits it best. */
export interface Forms {
  readonly names: readonly Form[];
  readonly celeryKey: CeleryKey | undefined;
  readonly lines: readonly JsonLine[] | undefined;
  readonly text: string | undefined;
  readonly imageType: string | undefined;
}

export function formsOf(key: string, value: Uint8Array): Forms {
  const text = toText(value);
  const lines = text === undefined ? undefined : parseJsonLines(text).lines;
  const imageType = sniffImage(value);
  const found = readCeleryKey(key);
  const celeryKey = found?.kind === "chord" ? undefined : found;
  const names: Form[] = [];
  if (celeryKey !== undefined) {
    names.push("celery");
  }
  if (imageType !== undefined) {
    names.push("image");
  }
  // A bare number or word is text to most who wrote it.
  const isStructure = lines !== undefined && lines.length > 1;
  if (isStructure) {
    names.push("json");
  }
  if (text !== undefined) {
    names.push("text");
  }
  if (lines !== undefined && !isStructure) {
    names.push("json");
  }
  names.push("hex");
  return { names, celeryKey, lines, text, imageType };
}
