import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BarGroup, renderBarChart } from "../../tools/charts/bar-chart.js";
import { root } from "../../tools/root.js";
import { figure, type RowResult } from "../rounds.js";
import { type Column, columnTitles } from "../ways/way.js";

const callerColor = "#4c78a8";
const serverColor = "#f58518";
const rateColor = "#54a24b";

/** Writes the plots of docs/bench.md. */
export function writePlots(results: readonly RowResult[]): void {
  const legend = [
    { text: "caller", color: callerColor },
    { text: "dynakv's server", color: serverColor },
  ];
  const gets = ["get-1", "get-8", "get-64", "get-256"];
  write("get-cpu", {
    title: "CPU of a Get of 1 KB, endpoint that answers at once",
    unit: "µs",
    legend,
    groups: groupsOf(results, gets, (result, column) => [
      { value: figure(result, column, (of) => of.callerCpu), color: callerColor },
      { value: figure(result, column, (of) => of.serverCpu), color: serverColor },
    ]),
  });
  write("calls-per-second", {
    title: "Calls a second, 64 in flight, two cores for all processes",
    unit: "/s",
    legend: [],
    groups: groupsOf(results, ["get-64", "set-64", "incr-64", "hot-key", "hot-counter"], (result, column) => [
      { value: figure(result, column, (of) => of.perSecond), color: rateColor },
    ]),
  });
  write("mget", {
    title: "Keys a second of one MGet, 1 KB each",
    unit: "/s",
    legend: [],
    groups: groupsOf(results, ["mget-100", "mget-10000", "mget-1000000"], (result, column) => [
      { value: figure(result, column, (of) => of.perSecond), color: rateColor },
    ]),
  });
}

function groupsOf(
  results: readonly RowResult[],
  ids: readonly string[],
  partsOf: (result: RowResult, column: Column) => { value: number; color: string }[],
): BarGroup[] {
  return results
    .filter(({ row }) => ids.includes(row.id))
    .map((result) => ({
      title: result.row.title,
      bars: result.row.columns.map((column) => ({ label: columnTitles[column], parts: partsOf(result, column) })),
    }));
}

function write(name: string, chart: Parameters<typeof renderBarChart>[0]): void {
  const folder = join(root, "docs/bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.svg`), renderBarChart(chart));
}
