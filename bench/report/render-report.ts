import { cpus, totalmem } from "node:os";
import { renderTable } from "../../tools/markdown.js";
import type { Goal } from "../goals.js";
import type { NativeLoad } from "../native-load.js";
import { figure, type RowResult, ratio } from "../rounds.js";
import type { StartUp } from "../start-up.js";
import { columnTitles } from "../ways/way.js";
import { digits, megabytes, times } from "./format.js";
import { renderGoals } from "./render-goals.js";

export interface Findings {
  readonly goals: readonly Goal[];
  readonly endpoint: readonly RowResult[];
  readonly embedded: readonly RowResult[];
  readonly million: RowResult;
  readonly startUp: StartUp;
  /** Undefined where h2load is not installed. */
  readonly native: NativeLoad | undefined;
}

export function renderReport(findings: Findings): string {
  const { goals, endpoint, embedded, million, startUp, native } = findings;
  return [
    `Measured on ${describeMachine()}, all processes together.`,
    "## Targets",
    renderGoals(goals),
    "## On the endpoint that answers at once",
    "![CPU of a Get](bench/get-cpu.svg)",
    "![Calls a second](bench/calls-per-second.svg)",
    "![Keys a second](bench/mget.svg)",
    renderRows([...endpoint, million]),
    "## Memory of a million keys",
    renderMemory(million),
    "## On the embedded engine",
    renderRows(embedded),
    "## Start-up",
    renderTable(
      ["what", "ready after", "memory when idle"],
      [
        ["`npm start`, with the embedded engine", `${digits(startUp.npmStartMs)} ms`, "–"],
        ["the package, with an outside backend", `${digits(startUp.builtMs)} ms`, megabytes(startUp.idleBytes)],
      ],
      { figures: true },
    ),
    "## Unary gRPC without a backend",
    native === undefined
      ? "h2load was not installed.\n"
      : renderTable(
          ["`grpc.health.v1.Health/Check`, h2load, 64 in flight", "CPU of the server a call", "calls a second"],
          [
            ["dynakv", `${digits(native.dynakv.cpu)} µs`, digits(native.dynakv.perSecond)],
            ["@grpc/grpc-js", `${digits(native.grpcJs.cpu)} µs`, digits(native.grpcJs.perSecond)],
            ["dynakv, by Connect", `${digits(native.connect.cpu)} µs`, digits(native.connect.perSecond)],
          ],
          { figures: true },
        ),
  ].join("\n\n");
}

function describeMachine(): string {
  const all = cpus();
  const gigabytes = Math.round(totalmem() / 1e9);
  return `${all.length} cores (${all[0]?.model.trim() ?? "unknown"}), ${gigabytes} GB, Node ${process.version}, ${process.platform}`;
}

/** A table of what each way did of each row. */
export function renderRows(results: readonly RowResult[]): string {
  const head = [
    "what",
    "way",
    "caller CPU",
    "server CPU",
    "calls or keys a second",
    "to the SDK's",
    "p50",
    "p99",
    "requests per 1,000",
  ];
  const rows = results.flatMap((result) =>
    result.row.columns.map((column, place) => {
      const requests = figure(result, column, (of) => of.requestsPerThousand);
      return [
        place === 0 ? result.row.title : "",
        columnTitles[column],
        `${digits(figure(result, column, (of) => of.callerCpu))} µs`,
        column === "dynakv" ? `${digits(figure(result, column, (of) => of.serverCpu))} µs` : "–",
        digits(figure(result, column, (of) => of.perSecond)),
        times(ratio(result, column, "sdk", (of) => of.perSecond)),
        `${digits(figure(result, column, (of) => of.p50))} ms`,
        `${digits(figure(result, column, (of) => of.p99))} ms`,
        digits(requests),
      ];
    }),
  );
  return renderTable(head, rows, { figures: true });
}

function renderMemory(million: RowResult): string {
  return renderTable(
    ["way", "caller before", "caller's peak", "server before", "server's peak"],
    million.row.columns.map((column) => {
      const of = (read: "callerRss" | "callerPeak" | "serverRss" | "serverPeak") =>
        megabytes(figure(million, column, (measurement) => measurement[read]));
      const server = column === "dynakv" ? [of("serverRss"), of("serverPeak")] : ["–", "–"];
      return [columnTitles[column], of("callerRss"), of("callerPeak"), ...server];
    }),
    { figures: true },
  );
}
