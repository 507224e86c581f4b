import { type FaultProxy, startFaultProxy } from "../../server/src/faults/index.js";
import { findLogProblem } from "../../tools/process-monitor/log-lines.js";
import { type MeasuredProcess, startMeasuredProcess } from "../../tools/process-monitor/measured-process.js";

/** A server of the soak. */
export interface Replica {
  readonly name: string;
  readonly url: string;
  /** The process that serves now. */
  process(): MeasuredProcess;
  /** Stops it as an operator does, and starts another one in its place, on the same port. */
  restart(): Promise<void>;
}

/** Three servers on one table: one beside the proxy, one behind it, and one behind it that is restarted now and then. */
export interface SoakStack {
  readonly steady: Replica;
  readonly faulty: Replica;
  readonly restarted: Replica;
  readonly proxy: FaultProxy;
  stop(): Promise<void>;
}

export async function startSoakStack(seed: number, onProblem: (problem: string) => void): Promise<SoakStack> {
  const engine = startMeasuredProcess("tests/soak/engine.ts", [], (line) => onProblem(`the engine wrote: ${line}`));
  const [, flags = ""] = await engine.printed(/engine: (.*)\n/);
  const [, endpoint = ""] = /--endpoint (\S+)/.exec(flags) ?? [];
  const proxy = await startFaultProxy({ target: endpoint, seed });
  const replicas: Replica[] = [];

  async function startReplica(name: string, at: string): Promise<Replica> {
    const args = flags.replace(endpoint, at).split(" ");
    let isStopping = false;
    const start = async (listen: string) => {
      isStopping = false;
      const process = startMeasuredProcess(
        "cli/src/main.ts",
        ["serve", "--listen", listen, "--log-level", "warn", ...args],
        (line) => {
          const problem = findLogProblem(line, []);
          if (problem !== undefined) {
            onProblem(`${name}: ${problem}`);
          }
        },
      );
      const [url] = await process.printed(/http:\/\/[^\s/]+:\d+/);
      process.child.once("exit", (code, signal) => {
        if (!isStopping) {
          onProblem(`${name} has ended with ${signal ?? code}`);
        }
      });
      return { process, url };
    };
    let { process, url } = await start("127.0.0.1:0");
    const terminate = async () => {
      isStopping = true;
      const how = await process.terminate();
      if (how !== "code 0") {
        onProblem(`${name} ended with ${how} when it was told to stop`);
      }
    };
    const replica: Replica & { terminate(): Promise<void> } = {
      name,
      url,
      process: () => process,
      terminate,
      async restart() {
        await terminate();
        ({ process } = await start(new URL(url).host));
      },
    };
    replicas.push(replica);
    stoppers.push(terminate);
    return replica;
  }

  const stoppers: (() => Promise<void>)[] = [];
  const steady = await startReplica("steady", endpoint);
  const faulty = await startReplica("faulty", proxy.endpoint);
  const restarted = await startReplica("restarted", proxy.endpoint);
  return {
    steady,
    faulty,
    restarted,
    proxy,
    async stop() {
      await Promise.all(stoppers.map((terminate) => terminate()));
      await proxy.stop();
      await engine.stop();
    },
  };
}
