import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../../tools/free-port.js";
import { cleanEnvironment, startProcess } from "../../tools/process-monitor/monitored-process.js";
import { startProgram, stopProgram } from "../../tools/programs.js";
import { type EngineAddress, table } from "../load.js";
import { readyAddress, serverArguments, serverModule } from "../stack.js";
import { daprStore, type Service } from "../ways/grpc-js.js";

/** A service that runs. */
export interface RunningService {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const startMs = 60_000;
const pollMs = 100;

/** The program of a service that is none of ours, which must be on the PATH. */
const programs: Partial<Record<Service, string>> = { dapr: "daprd", etcd: "etcd" };

/** Why a service cannot be measured here; undefined if it can. */
export function whyMissing(service: Service): string | undefined {
  const program = programs[service];
  return program === undefined || spawnSync(program, ["--version"]).error === undefined
    ? undefined
    : `${program} is not on the PATH`;
}

/** Starts a service: dynakv and Dapr on the engine, and etcd on its own store, in a folder for the time. */
export function startService(service: Service, engine: EngineAddress): Promise<RunningService> {
  return { dynakv: startDynakv, dapr: startDapr, etcd: startEtcd }[service](engine);
}

async function startDynakv(engine: EngineAddress): Promise<RunningService> {
  const server = startProcess(serverModule, serverArguments(engine));
  return { address: await readyAddress(server), pid: server.child.pid as number, stop: () => server.stop() };
}

async function startDapr({ endpoint, region, accessKeyId, secretAccessKey }: EngineAddress): Promise<RunningService> {
  const metadata = { table, region, endpoint, accessKey: accessKeyId, secretKey: secretAccessKey, partitionKey: "id" };
  const component = {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name: daprStore },
    spec: {
      type: "state.aws.dynamodb",
      version: "v1",
      metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
    },
  };
  return startPeer("daprd", async (folder, port) => {
    // JSON is YAML as well.
    writeFileSync(join(folder, "bench.yaml"), JSON.stringify(component));
    const ports = ["--dapr-grpc-port", String(port), "--dapr-http-port", String(await findFreePort())];
    const alone = ["--enable-metrics=false", "--dapr-listen-addresses", "127.0.0.1", "--log-level", "error"];
    return ["--app-id", "bench", "--resources-path", folder, ...ports, ...alone];
  });
}

/** It writes without waiting for its disk: what is compared is CPU. */
function startEtcd(): Promise<RunningService> {
  return startPeer("etcd", async (folder, port) => {
    const client = `http://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${await findFreePort()}`;
    const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
    const cluster = ["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`];
    return ["--data-dir", folder, ...urls, ...cluster, "--unsafe-no-fsync", "--log-level", "error"];
  });
}

async function startPeer(
  file: string,
  argumentsOf: (folder: string, port: number) => Promise<readonly string[]>,
): Promise<RunningService> {
  const folder = mkdtempSync(join(tmpdir(), "dynakv-bench-"));
  const port = await findFreePort();
  const program = startProgram(file, await argumentsOf(folder, port), {
    env: cleanEnvironment(),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = async () => {
    await stopProgram(program);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(program, file, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `http://127.0.0.1:${port}`, pid: program.pid as number, stop };
}

async function untilListening(program: ChildProcess, file: string, port: number): Promise<void> {
  for (const giveUpAt = Date.now() + startMs; !(await isListening(port)); await sleep(pollMs)) {
    if (program.exitCode !== null || Date.now() > giveUpAt) {
      throw new Error(`${file} does not listen: ${program.exitCode === null ? "no answer" : "it has ended"}`);
    }
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
