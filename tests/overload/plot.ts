import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderLineChart } from "../../tools/charts/line-chart.js";
import { root } from "../../tools/root.js";
import type { OverloadResult, OverloadRun } from "./run-overload.js";

/** Writes the plot of docs/overload.md: calls in time, second by second, with the limiter and without. */
export function writePlot({ capacity, adaptive, off }: OverloadResult): void {
  let from = 0;
  const sections = adaptive.phases.map(({ times, result }) => {
    const section = { from, text: `${times}×` };
    from += result.bySecond.length;
    return section;
  });
  const bySecond = ({ phases }: OverloadRun) => phases.flatMap(({ result }) => result.bySecond);
  const chart = renderLineChart({
    title: "Calls a second that are answered within their deadline",
    max: Math.ceil((capacity * 2) / 100) * 100,
    stepName: "seconds; the load offered is in multiples of what the server can carry",
    sections,
    lines: [
      { label: "offered", color: "#888", values: bySecond(adaptive).map(({ offered }) => offered), dashed: true },
      { label: "in time, limiter adaptive", color: "#54a24b", values: bySecond(adaptive).map(({ good }) => good) },
      { label: "in time, limiter off", color: "#e45756", values: bySecond(off).map(({ good }) => good) },
    ],
  });
  const folder = join(root, "docs/overload");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "goodput.svg"), chart);
}
