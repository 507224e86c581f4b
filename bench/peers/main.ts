/**
 * Measures dynakv's server beside Dapr's sidecar and etcd, each called by the same client of @grpc/grpc-js. Linux alone tells what a process has spent.
 *
 *     npm run bench:peers [-- --rounds 5]    # a table for docs/bench.md, which is written anew
 *
 * daprd and etcd are measured where they are on the PATH.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { renderTable, replaceMarked } from "../../tools/markdown.js";
import { print } from "../../tools/print.js";
import { startProcess } from "../../tools/process-monitor/monitored-process.js";
import { median } from "../../tools/statistics.js";
import type { EngineAddress, Load, LoadResult } from "../load.js";
import { digits, times } from "../report/format.js";
import type { Service } from "../ways/grpc-js.js";
import { startService, whyMissing } from "./services.js";

interface Figures {
  /** CPU a call, in microseconds. */
  readonly serverCpu: number;
  readonly callerCpu: number;
  readonly perSecond: number;
  readonly p50: number;
}

const titles = { dynakv: "dynakv", dapr: "Dapr", etcd: "etcd" } as const;
const rows = (["get", "set"] as const).flatMap((operation) =>
  [64, 1].map((inFlight) => ({
    title: `${operation === "get" ? "Get" : "Set"}, ${inFlight} in flight, 1 KB`,
    load: { operation, inFlight, valueBytes: 1000, milliseconds: 2000 } satisfies Load,
  })),
);

const warmUpMs = 5000;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const services = (Object.keys(titles) as Service[]).filter((service) => {
  const reason = whyMissing(service);
  if (reason !== undefined) {
    print(`${titles[service]} is left out: ${reason}`);
  }
  return reason === undefined;
});

/** Of each row, what each service did in each round. */
const found = rows.map(() => new Map<Service, Figures[]>(services.map((service) => [service, []])));
for (let round = 0; round < Number(values.rounds); round++) {
  print(`round ${round + 1} of ${values.rounds}`);
  // They take turns in who is first. Each has the machine, and an engine, for itself.
  for (const turn of services.keys()) {
    const service = services[(turn + round) % services.length] as Service;
    const measured = await measureService(service);
    measured.forEach((figures, row) => {
      found[row]?.get(service)?.push(figures);
    });
  }
}
replaceMarked("docs/bench.md", "peers", render());
print("written to docs/bench.md");

async function measureService(service: Service): Promise<Figures[]> {
  const engine = startProcess("bench/processes/endpoint.ts");
  const caller = startProcess("bench/processes/caller.ts");
  const server = await startService(service, await engine.ask<EngineAddress>("start"));
  try {
    await caller.ask("startGrpcJs", { service, address: server.address });
    if (service === "etcd") {
      await caller.ask("fill", 1000);
    }
    const measured: Figures[] = [];
    for (const { title, load } of rows) {
      // A service runs for days: what is compiled for the load has been compiled.
      await caller.ask<LoadResult>("run", { ...load, milliseconds: warmUpMs });
      const before = cpuOf(server.pid);
      const { operations, seconds, cpu, p50 } = await caller.ask<LoadResult>("run", load);
      const serverCpu = (cpuOf(server.pid) - before) / operations;
      print(`  ${titles[service]}: ${title}: ${digits(serverCpu)} µs, ${digits(operations / seconds)} a second`);
      measured.push({ serverCpu, callerCpu: cpu / operations, perSecond: operations / seconds, p50 });
    }
    return measured;
  } finally {
    await caller.stop();
    await server.stop();
    await engine.stop();
  }
}

/** What a process has spent, in microseconds: Linux counts it in hundredths of a second. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, which is in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function render(): string {
  const lines = rows.flatMap(({ title }, row) =>
    services.map((service, place) => {
      const rounds = found[row]?.get(service) ?? [];
      const ours = found[row]?.get("dynakv") ?? [];
      const ratios = rounds.map(({ serverCpu }, round) => (ours[round]?.serverCpu ?? Number.NaN) / serverCpu);
      const of = (read: (figures: Figures) => number) => digits(median(rounds.map(read)));
      return [
        place === 0 ? title : "",
        titles[service],
        `${of((figures) => figures.serverCpu)} µs`,
        service === "dynakv"
          ? "–"
          : `${times(median(ratios))} (${digits(Math.min(...ratios))} to ${digits(Math.max(...ratios))})`,
        `${of((figures) => figures.callerCpu)} µs`,
        of((figures) => figures.perSecond),
        `${of((figures) => figures.p50)} ms`,
      ];
    }),
  );
  const head = ["what", "service", "server CPU", "dynakv's to it", "caller CPU", "calls a second", "p50"];
  return renderTable(head, lines, { figures: true });
}
