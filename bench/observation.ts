/**
 * What it costs to be seen: the CPU of the server a call, with metrics, the access log and traces, one at a time, beside all of them
 * off. Calls come from h2load, and DynamoDB is a process that answers at once.
 *
 *     node --import tsx bench/observation.ts
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { GetRequestSchema } from "../gen/dynakv/v1/key_value_service_pb.js";
import { type BenchProcess, startProcess } from "../tools/process-monitor/monitored-process.js";
import type { EngineAddress } from "./load.js";
import { readyAddress, serverArguments, serverModule } from "./stack.js";

const warmUps = 2;
const rounds = 6;
const methods = { "Health/Check": "grpc.health.v1.Health/Check", Get: "dynakv.v1.KeyValueService/Get" };
const calls = { "Health/Check": 20_000, Get: 10_000 };

const folder = mkdtempSync(join(tmpdir(), "dynakv-bench-"));
const bodies = { "Health/Check": join(folder, "check"), Get: join(folder, "get") };
writeFileSync(bodies["Health/Check"], Buffer.alloc(5));
writeFileSync(bodies.Get, encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "key" }))));

const collector = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.end());
});
await once(collector.listen(0, "127.0.0.1"), "listening");
const traces = {
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  OTEL_BSP_MAX_QUEUE_SIZE: "100000",
};

const variants: Record<string, { readonly flags: string[]; readonly environment?: Record<string, string> }> = {
  off: { flags: [] },
  metrics: { flags: ["--admin-listen", "127.0.0.1:0"] },
  "access log of all": { flags: ["--log-level", "info", "--access-log", "all"] },
  "traces, one in a hundred": {
    flags: [],
    environment: { ...traces, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" },
  },
  "traces of all": { flags: [], environment: traces },
};

const engine = startProcess("bench/processes/endpoint.ts");
const servers = new Map<string, { readonly server: BenchProcess; readonly address: string }>();
try {
  const engineAddress = await engine.ask<EngineAddress>("start");
  for (const [name, { flags, environment = {} }] of Object.entries(variants)) {
    Object.assign(process.env, environment);
    // The last of two wins.
    const base = serverArguments(engineAddress);
    const level = flags.includes("--log-level")
      ? base.filter((each) => each !== "--log-level" && each !== "warn")
      : base;
    const server = startProcess(serverModule, [...level, ...flags]);
    servers.set(name, { server, address: await readyAddress(server) });
    for (const variable of Object.keys(environment)) {
      delete process.env[variable];
    }
  }
  const costs = new Map<string, number[]>();
  // Each round asks all of them, so that what else the machine does falls on all alike.
  for (let round = 1; round <= warmUps + rounds; round++) {
    for (const [name, { server, address }] of servers) {
      for (const method of ["Health/Check", "Get"] as const) {
        const cpu = await load(server, address, method);
        if (round > warmUps) {
          const key = `${name}: ${method}`;
          costs.set(key, [...(costs.get(key) ?? []), cpu]);
        }
      }
    }
  }
  for (const [key, measured] of costs) {
    // What else the machine does only ever adds to it.
    process.stdout.write(`${key.padEnd(45)} ${Math.min(...measured).toFixed(1)} µs\n`);
  }
} finally {
  for (const { server } of servers.values()) {
    await server.stop();
  }
  await engine.stop();
  collector.close();
  collector.closeAllConnections();
  rmSync(folder, { recursive: true });
}

async function load(server: BenchProcess, address: string, method: keyof typeof methods): Promise<number> {
  const before = await server.usage();
  const how = ["-n", String(calls[method]), "-c", "4", "-m", "16", "-d", bodies[method]];
  const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
  const { stdout } = await promisify(execFile)("h2load", [...how, ...headers, `${address}/${methods[method]}`]);
  const after = await server.usage();
  if (!stdout.includes(`${calls[method]} succeeded, 0 failed, 0 errored`)) {
    throw new Error(`h2load: ${stdout}`);
  }
  return (after.cpu - before.cpu) / calls[method];
}
