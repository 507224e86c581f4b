import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";

export interface TableOptions {
  /** Whether all columns but the first hold figures, and are aligned to the right. The default is false. */
  readonly figures?: boolean;
}

export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { figures = false }: TableOptions = {},
): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  const alignments = head.map((_, n) => (figures && n > 0 ? "--:|" : "---|"));
  return `${line(head)}|${alignments.join("")}\n${rows.map(line).join("")}`;
}

/** Puts text in the place that a page marks for it, between `<!-- marker -->` and `<!-- /marker -->`. */
export function replaceMarked(page: string, marker: string, text: string): void {
  const file = join(root, page);
  const before = readFileSync(file, "utf8");
  const [start, end] = [`<!-- ${marker} -->\n`, `<!-- /${marker} -->`];
  const [from, to] = [before.indexOf(start) + start.length, before.indexOf(end)];
  if (from < start.length || to < from) {
    throw new Error(`${page} has no part between <!-- ${marker} --> and <!-- /${marker} -->`);
  }
  writeFileSync(file, before.slice(0, from) + text + before.slice(to));
}
