import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchProcess, startProcess } from "../tools/process-monitor/monitored-process.js";
import { median } from "../tools/statistics.js";
import { readyAddress, serverModule } from "./stack.js";

/** What a unary call costs a server that answers it from memory. */
interface Cost {
  /** CPU of the server a call, in microseconds. */
  readonly cpu: number;
  readonly perSecond: number;
}

export interface NativeLoad {
  readonly dynakv: Cost;
  readonly grpcJs: Cost;
  /** dynakv's server, when the call goes through Connect. */
  readonly connect: Cost;
}

const calls = 30_000;
const rounds = 3;
const inFlight = 64;
/** Both are gRPC's; the direct path leaves the one in capitals to Connect. */
const contentTypes = { direct: "application/grpc", connect: "Application/grpc" };

/** Load by h2load, which is none of ours; undefined where it is not installed. */
export async function measureNativeLoad(): Promise<NativeLoad | undefined> {
  if (spawnSync("h2load", ["--version"]).error !== undefined) {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "dynakv-bench-"));
  const body = join(folder, "request");
  // An empty message: what comes before it, and nothing.
  writeFileSync(body, Buffer.alloc(5));
  const grpcJs = startProcess("bench/processes/grpc-js.ts");
  const dynakv = startProcess(serverModule, [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--data",
    "memory",
    "--log-level",
    "warn",
  ]);
  try {
    const peer = await grpcJs.ask<string>("start");
    const address = await readyAddress(dynakv);
    const costs: Record<keyof NativeLoad, Cost[]> = { dynakv: [], grpcJs: [], connect: [] };
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const measured = {
        dynakv: await load(dynakv, address, contentTypes.direct, body),
        grpcJs: await load(grpcJs, peer, contentTypes.direct, body),
        connect: await load(dynakv, address, contentTypes.connect, body),
      };
      for (const name of ["dynakv", "grpcJs", "connect"] as const) {
        if (round > 0) {
          costs[name].push(measured[name]);
        }
      }
    }
    return { dynakv: medianOf(costs.dynakv), grpcJs: medianOf(costs.grpcJs), connect: medianOf(costs.connect) };
  } finally {
    await dynakv.stop();
    await grpcJs.stop();
    rmSync(folder, { recursive: true });
  }
}

async function load(server: BenchProcess, address: string, contentType: string, body: string): Promise<Cost> {
  const before = await server.usage();
  const how = ["-n", String(calls), "-c", "1", "-m", String(inFlight), "-d", body];
  const headers = ["-H", `content-type: ${contentType}`, "-H", "te: trailers"];
  const { stdout } = spawnSync("h2load", [...how, ...headers, `${address}/grpc.health.v1.Health/Check`], {
    encoding: "utf8",
  });
  const after = await server.usage();
  const [, perSecond] = /finished in [\d.]+\w+, ([\d.]+) req\/s/.exec(stdout) ?? [];
  if (perSecond === undefined || !stdout.includes(`${calls} succeeded, 0 failed, 0 errored`)) {
    throw new Error(`h2load: ${stdout}`);
  }
  return { cpu: (after.cpu - before.cpu) / calls, perSecond: Number(perSecond) };
}

function medianOf(costs: readonly Cost[]): Cost {
  return { cpu: median(costs.map(({ cpu }) => cpu)), perSecond: median(costs.map(({ perSecond }) => perSecond)) };
}
