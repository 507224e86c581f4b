import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";
import { installOnce, installPython, withAdvice } from "../../tools/install-once.js";
import { root } from "../../tools/root.js";
import { type Access, cacheFolder, startEngineProgram } from "./start-engine.js";

/** An engine that runs, and the environment in which the tests find it. */
export interface RunningEngine {
  readonly access: Access;
  readonly environment: NodeJS.ProcessEnv;
  /** The file of what it prints, if it prints to one. */
  readonly log?: string;
  stop(): Promise<void>;
}

export interface Engine {
  /** What the command line and the table of known differences call it. */
  readonly name: string;
  /** The name with its version. */
  readonly title: string;
  /** Sets it up if it is not there yet, and starts it. Rejects with ToolMissing when it cannot be had here. */
  start(): Promise<RunningEngine>;
}

const motoVersion = "5.2.5";
const dynoxideVersion = "3.2.0";

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
    title: `moto ${motoVersion}`,
    async start() {
      const folder = await installOnce(cacheFolder, `moto-${motoVersion}`, (venv, run) =>
        installPython(venv, run, `moto[server,dynamodb]==${motoVersion}`),
      );
      const script = join(root, "tests/engines/serve-moto.py");
      return startLocal("moto", join(folder, "bin/python"), (port) => [script, String(port)]);
    },
  },
  {
    name: "dynoxide",
    title: `dynoxide-rs ${dynoxideVersion}`,
    async start() {
      const folder = await installOnce(cacheFolder, `dynoxide-${dynoxideVersion}`, async (target, run) => {
        process.stdout.write("  (it is compiled, which takes some minutes)\n");
        const what = ["dynoxide-rs", "--version", dynoxideVersion, "--locked"];
        await run(["cargo", "install", ...what, "--root", target]).catch((error) => {
          throw withAdvice(error, "install Rust with cargo, 1.88 or newer (https://rustup.rs)");
        });
      });
      return startLocal("dynoxide", join(folder, "bin/dynoxide"), (port) => ["serve", "--port", String(port)]);
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

async function startLocal(name: string, file: string, args: (port: number) => string[]): Promise<RunningEngine> {
  const program = await startEngineProgram(name, file, args);
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
