import { setTimeout as sleep } from "node:timers/promises";
import type { Gauge } from "../../../tools/process-monitor/gauge.js";
import { findLogProblem } from "../../../tools/process-monitor/log-lines.js";
import { type MeasuredProcess, startMeasuredProcess } from "../../../tools/process-monitor/measured-process.js";
import { marker } from "../messages/odd-values.js";
import { adminTarget, plainTarget, type Target, tlsTargets } from "../targets.js";
import { writeGuardedSettings } from "./guarded-settings.js";

/** Two servers before one engine, one open and in plain text, one with TLS and a policy, and all of their ports. */
export interface AttackedServers {
  /** Where the open one is called. */
  readonly url: string;
  readonly targets: readonly Target[];
  /** What both hold together. */
  gauge(): Promise<Gauge>;
  /** Says so when one of the processes has ended. */
  checkAlive(): void;
  /** Waits until no more connections are open than so many; says so when that never happens. */
  settle(connections: number): Promise<void>;
  /** Stops all; the servers must end as they do for an operator. */
  stop(): Promise<void>;
}

/** Until the last connection must be gone: half-open ones are given up after ten seconds. */
const settleMs = 30_000;

export async function startAttackedServers(onProblem: (problem: string) => void): Promise<AttackedServers> {
  const engine = startMeasuredProcess("tests/soak/engine.ts", [], (line) => onProblem(`the engine wrote: ${line}`));
  const [, flags = ""] = await engine.printed(/engine: (.*)\n/);
  const guarded = await writeGuardedSettings();
  const open = await startServer(flags.split(" "), onProblem);
  const closed = await startServer([...flags.split(" "), ...guarded.flags], onProblem);
  const servers = [open.process, closed.process];

  async function gauge(): Promise<Gauge> {
    const [first, second] = (await Promise.all(servers.map((server) => server.gauge()))) as [Gauge, Gauge];
    return {
      rssBytes: first.rssBytes + second.rssBytes,
      heapBytes: first.heapBytes + second.heapBytes,
      externalBytes: first.externalBytes + second.externalBytes,
      connections: first.connections + second.connections,
      resources: first.resources,
    };
  }

  return {
    url: open.url,
    targets: [plainTarget(open.url), adminTarget(open.adminUrl()), ...tlsTargets(closed.url, guarded.known)],
    gauge,
    checkAlive() {
      for (const [name, { ended }] of Object.entries({
        server: open.process,
        "guarded server": closed.process,
        engine,
      })) {
        const how = ended();
        if (how !== undefined) {
          onProblem(`the ${name} has ended with ${how}`);
          throw new Error(`the ${name} has ended`);
        }
      }
    },
    async settle(connections) {
      const until = performance.now() + settleMs;
      let left = Number.POSITIVE_INFINITY;
      while (left > connections && performance.now() < until) {
        left = (await gauge()).connections;
        // Each look collects the garbage of both.
        await sleep(left > connections ? 500 : 0);
      }
      if (left > connections) {
        onProblem(`${left} connections are left open, and should be ${connections} at most`);
      }
    },
    async stop() {
      for (const server of servers) {
        const how = server.ended() ?? (await server.terminate());
        if (how !== "code 0") {
          onProblem(`a server ended with ${how}`);
        }
      }
      await engine.stop();
      await guarded.remove();
    },
  };
}

interface StartedServer {
  readonly process: MeasuredProcess;
  readonly url: string;
  adminUrl(): string;
}

async function startServer(flags: readonly string[], onProblem: (problem: string) => void): Promise<StartedServer> {
  const args = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-level", "info", ...flags];
  let adminUrl = "";
  const process = startMeasuredProcess("cli/src/main.ts", args, (line) => {
    adminUrl ||= /"adminUrl":"([^"]+)"/.exec(line)?.[1] ?? "";
    const problem = findLogProblem(line, [marker]);
    if (problem !== undefined) {
      onProblem(problem);
    }
  });
  const [url] = await process.printed(/https?:\/\/[^\s/]+:\d+/);
  return { process, url, adminUrl: () => adminUrl };
}
