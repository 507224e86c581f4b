import { median } from "../../tools/statistics.js";
import { byLoad, type Finding, goodput, latency, percent } from "./findings.js";
import type { OverloadResult, OverloadRun, PhaseRun } from "./run-overload.js";

/** The findings, and a table of both runs, in Markdown. */
export function renderOverload(result: OverloadResult, findings: readonly Finding[]): string {
  const { capacity, deadlineMs, adaptive, off } = result;
  return [
    `The server carried ${Math.round(capacity)} calls a second when there was always a next one. Calls had ${deadlineMs} ms.`,
    "",
    "Each figure is the median of the phases with that load; of calls in time the least and the most are told, too.",
    "",
    "| holds | what | measured |",
    "|---|---|---|",
    ...findings.map(({ what, measured, holds }) => `| ${holds ? "yes" : "**no**"} | ${what} | ${measured} |`),
    "",
    "| limiter | load | phases | offered /s | in time /s | refused | too late | p50 | p99 | refusal p99 | server's CPU | most memory |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...rowsOf(adaptive),
    ...rowsOf(off),
    "",
  ].join("\n");
}

function rowsOf({ isAdaptive, phases }: OverloadRun): string[] {
  return [...byLoad(phases)].map(([times, alike]) => {
    const middle = (of: (phase: PhaseRun) => number) => median(alike.map(of));
    const goodputs = alike.map((phase) => Math.round(goodput(phase)));
    const cells = [
      isAdaptive ? "adaptive" : "off",
      `${times}×`,
      alike.length,
      Math.round(middle(({ result }) => result.offered / result.seconds)),
      `${Math.round(median(goodputs))} (${Math.min(...goodputs)}–${Math.max(...goodputs)})`,
      percent(middle(({ result }) => result.refused / result.offered)),
      percent(middle(({ result }) => (result.late + result.failed) / result.offered)),
      ms(middle(({ result }) => latency(result.p50))),
      ms(middle(({ result }) => latency(result.p99))),
      alike.some(({ result }) => result.refused === 0) ? "" : ms(middle(({ result }) => result.refusedP99)),
      percent(middle(({ serverShare }) => serverShare)),
      `${Math.round(Math.max(...alike.map(({ rssBytes }) => rssBytes)) / 1024 / 1024)} MiB`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

function ms(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : "over the deadline";
}
