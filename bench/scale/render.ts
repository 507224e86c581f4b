import { renderTable } from "../../tools/markdown.js";
import type { ScaleInput, ScaleResult } from "./model.js";
import { type SimulationInput, type SimulationResult, simulateCounter, simulateKey } from "./simulate.js";

export function renderScale(input: ScaleInput, result: ScaleResult): string {
  const { sdk, warnings } = result;
  const table = renderTable(
    ["", "dynakv", "SDK in each caller"],
    [
      ["cores of the servers", digits(result.serverCores), "–"],
      [`replicas of ${input.cores} cores, used to ${input.utilization * 100} %`, String(result.replicas), "–"],
      ["memory of a replica", `${digits(result.replicaBytes / 1e6)} MB`, "–"],
      ["cores of the callers", digits(result.callerCores), digits(sdk.callerCores)],
      ["read units a second", digits(result.readUnits), digits(sdk.readUnits)],
      ["write units a second", digits(result.writeUnits), digits(sdk.writeUnits)],
      ["DynamoDB a month, on demand", `$${digits(result.dollarsPerMonth)}`, `$${digits(sdk.dollarsPerMonth)}`],
    ],
    { figures: true },
  );
  return table + warnings.map((warning) => `\nNote: ${warning}.\n`).join("");
}

const common = { gathered: 1, latencyMs: 4, lost: 0.001, seconds: 5, seed: 1 } as const;
const replicas = [1, 5, 20, 50, 200] as const;

/** The tables of docs/scale.md. */
export function renderSimulations(): string {
  const counters = [10_000, 30_000, 100_000].flatMap((rate) =>
    replicas.map((count) => ({ ...common, replicas: count, rate })),
  );
  const gathered = [100_000, 1_000_000].flatMap((rate) =>
    replicas.map((count) => ({ ...common, replicas: count, rate, gathered: 20 })),
  );
  const keys = [10_000, 100_000, 1_000_000].flatMap((rate) =>
    replicas.map((count) => ({ ...common, replicas: count, rate })),
  );
  return [
    "Increments of one counter, each under a request id of its own:",
    renderRuns(counters, simulateCounter, true),
    "The same by clients that gather, here 20 under one id:",
    renderRuns(gathered, simulateCounter, true),
    "Gets of one key:",
    renderRuns(keys, simulateKey, false),
  ].join("\n\n");
}

function renderRuns(
  inputs: readonly SimulationInput[],
  run: (input: SimulationInput) => SimulationResult,
  isCounter: boolean,
): string {
  const head = [
    "calls a second",
    "replicas",
    "answered a second",
    "failed",
    "requests a second",
    "throttled",
    "p50",
    "p99",
  ];
  return renderTable(
    isCounter ? [...head, "twice or lost"] : head,
    inputs.map((input) => {
      const result = run(input);
      const cells = [
        input.rate.toLocaleString("en"),
        String(input.replicas),
        digits(result.answered),
        percent(result.failed),
        digits(result.requests),
        percent(result.throttled),
        `${digits(result.p50)} ms`,
        `${digits(result.p99)} ms`,
      ];
      return isCounter ? [...cells, String(result.wrong)] : cells;
    }),
    { figures: true },
  );
}

function percent(part: number): string {
  return `${(part * 100).toFixed(part > 0 && part < 0.01 ? 1 : 0)} %`;
}

function digits(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
