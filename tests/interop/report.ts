import { renderTable, replaceMarked } from "../../tools/markdown.js";
import { type Column, tableNames } from "./column.js";

/** The Markdown of all that was found: a table for each kind, whose rows are in the order in which they were met. */
export function renderReport(columns: readonly Column[]): string {
  return tableNames
    .map((table) => columns.filter((column) => column.table === table))
    .filter((found) => found.length > 0)
    .map(renderColumns)
    .join("\n");
}

/** Everything that is wrong, for people. What is wrong with several programs in the same way is told once. */
export function describeProblems(columns: readonly Column[]): string[] {
  const titlesOf = new Map<string, string[]>();
  for (const { title, cells } of columns) {
    for (const { row, problem } of cells.filter((cell) => cell.problem !== undefined)) {
      const what = `${row}: ${problem}`;
      titlesOf.set(what, [...(titlesOf.get(what) ?? []), title]);
    }
  }
  return [...titlesOf].map(([what, titles]) => `${titles.join(", ")}: ${what}`);
}

export function writeReport(report: string): void {
  replaceMarked("docs/interop.md", "interop", report);
}

function renderColumns(columns: readonly Column[]): string {
  const rows = [...new Set(columns.flatMap(({ cells }) => cells.map(({ row }) => row)))];
  const [{ table }] = columns as [Column];
  return renderTable(
    [table, ...columns.map(({ title }) => title)],
    rows.map((row) => [row, ...columns.map(({ cells }) => cells.find((cell) => cell.row === row)?.text ?? "")]),
  );
}
