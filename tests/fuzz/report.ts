import { renderTable } from "../../tools/markdown.js";
import { heldBytes, megabytes } from "../../tools/process-monitor/trend.js";
import type { FuzzReport } from "./run/run-fuzz.js";

export function renderReport({ sent, ordinaryCalls, samples, seconds, findings }: FuzzReport): string {
  const kinds = [...sent].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => [name, String(count)]);
  const memory = samples.map((sample) => [
    String(sample.at),
    megabytes(heldBytes(sample)),
    megabytes(sample.rssBytes),
    String(sample.connections),
  ]);
  const found = [...findings].map(([problem, times]) => `- ${problem}${times > 1 ? ` (${times} times)` : ""}\n`);
  return [
    `\n${[...sent.values()].reduce((sum, count) => sum + count, 0)} inputs in ${seconds.toFixed(0)} s, `,
    `beside ${ordinaryCalls} ordinary calls\n\n`,
    renderTable(["port and kind", "inputs"], kinds),
    "\n",
    renderTable(["inputs so far", "MB held", "MB resident", "connections"], memory),
    "\n",
    ...found,
  ].join("");
}
