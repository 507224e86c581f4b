import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";
import { installNpm, installPython, pinnedVersion } from "../../tools/install-from.js";
import { root } from "../../tools/root.js";
import { extenddb, startExtendDb } from "./extenddb.js";
import { type Access, type EngineProgram, startEngineProgram } from "./start-engine.js";

/** An engine that runs, and the environment in which the tests find it. */
export interface RunningEngine {
  readonly access: Access;
  readonly environment: NodeJS.ProcessEnv;
  /** The file of what it prints, if it prints to one. */
  readonly log?: string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Whether an engine that can throttle, as DynamoDB does, throttles; by default it does. */
  readonly throttling?: boolean;
}

export interface Engine {
  /** What the command line and the table of known differences call it. */
  readonly name: string;
  /** The name with its version. */
  readonly title: string;
  /** Sets it up if it is not there yet, and starts it. Rejects with ToolMissing when it cannot be had here. */
  start(options?: StartOptions): Promise<RunningEngine>;
}

const moto = { name: "moto", list: "tests/engines/moto.txt" };
const dynoxide = {
  name: "dynoxide",
  version: "1.2.1",
  package: "@dynoxide/linux-x64",
  file: "dynoxide",
  platform: "linux-x64",
};

/** The engines that the script sets up by itself. */
export const engines: readonly Engine[] = [
  {
    name: "embedded",
    title: `embedded (dynalite ${dynaliteVersion()})`,
    async start() {
      // The tests start their own; this one answers the questions about features.
      const { endpoint, region, credentials, stop } = await startEmbeddedEngine({ data: "memory" });
      return { access: { endpoint, region, ...credentials }, environment: environmentWithoutBackend(), stop };
    },
  },
  {
    name: "moto",
    title: `moto ${pinnedVersion(moto)}`,
    async start() {
      const script = join(root, "tests/engines/serve-moto.py");
      return startLocal({ name: "moto", file: await installPython(moto), args: (port) => [script, String(port)] });
    },
  },
  {
    name: "dynoxide",
    title: `dynoxide ${dynoxide.version}`,
    async start() {
      const args = (port: number) => ["serve", "--port", String(port)];
      return startLocal({ name: "dynoxide", file: await installNpm(dynoxide), args });
    },
  },
  {
    name: "extenddb",
    title: `ExtendDB ${extenddb.version}`,
    async start({ throttling = true } = {}) {
      const program = await startExtendDb(throttling);
      return { ...program, environment: environmentOf(program.access) };
    },
  },
];

/** The engine at an endpoint, with the region and the credentials of the environment. */
export function engineAt(endpoint: string): Engine {
  const { AWS_REGION = "us-east-1", AWS_ACCESS_KEY_ID = "test", AWS_SECRET_ACCESS_KEY = "test" } = process.env;
  const access = {
    endpoint,
    region: AWS_REGION,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
  };
  return {
    name: "endpoint",
    title: new URL(endpoint).host,
    async start() {
      return { access, environment: environmentOf(access), stop: async () => {} };
    },
  };
}

async function startLocal(engine: EngineProgram): Promise<RunningEngine> {
  const program = await startEngineProgram(engine);
  return { ...program, environment: environmentOf(program.access) };
}

function environmentOf({ endpoint, region, accessKeyId, secretAccessKey }: Access): NodeJS.ProcessEnv {
  return {
    ...environmentWithoutBackend(),
    DYNAKV_TEST_ENDPOINT: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** The environment without what the machine may have set for dynakv or AWS. */
export function environmentWithoutBackend(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DYNAKV|AWS)_/.test(name)));
}

function dynaliteVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/dynalite/package.json"), "utf8"));
  return version;
}
