/** Installs tools from the registries that they are published in, each by the ordinary client of that registry. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { installOnce, type RunStep, type Tool, ToolMissing, withAdvice } from "./install-once.js";
import { root } from "./root.js";

const goAdvice = "install Go, 1.26 or newer (https://go.dev/dl)";
const pythonAdvice = "install Python 3 with its venv module (Debian: apt install python3-venv)";

/** A list of Python packages, all with their versions, in a file like those that `pip freeze` writes. */
export interface PythonPackages {
  /** The package that the others are there for. */
  readonly name: string;
  /** Its path from the root of the repository. */
  readonly list: string;
}

/** The Python of a virtual environment with the packages of a list. */
export async function installPython({ name, list }: PythonPackages): Promise<string> {
  const packages = join(root, list);
  const tool = {
    name,
    version: pinnedVersion({ name, list }),
    pins: [readFileSync(packages, "utf8"), describePython()],
  };
  const folder = await installOnce(tool, async (venv, run) => {
    await run(["python3", "-m", "venv", venv]).catch((error) => {
      throw withAdvice(error, pythonAdvice);
    });
    await run([join(venv, "bin/python"), "-m", "pip", "install", "--quiet", "--requirement", packages]);
  });
  return join(folder, "bin/python");
}

/** The version of the package that a list is named for. */
export function pinnedVersion({ name, list }: PythonPackages): string {
  const version = new RegExp(`^${name}(?:\\[.*\\])?==(.*)$`, "m").exec(readFileSync(join(root, list), "utf8"))?.[1];
  if (version === undefined) {
    throw new Error(`${list} has no version of ${name}`);
  }
  return version;
}

/** A virtual environment works with the Python that made it alone. */
function describePython(): string {
  const program = "import sys; print(sys.version, sys.base_prefix)";
  const { status, stdout } = spawnSync("python3", ["-c", program], { encoding: "utf8" });
  if (status !== 0) {
    throw new ToolMissing(`python3 is missing: ${pythonAdvice}`);
  }
  return stdout.trim();
}

/** A program in Go; its package is an import path such as `example.com/module/cmd/program`. */
export interface GoProgram extends Tool {
  readonly package: string;
}

/** Has the Go command build a program from its sources. */
export async function installGo({ package: path, ...tool }: GoProgram): Promise<string> {
  const folder = await installOnce(tool, async (target, run) => {
    process.stdout.write("  (it is compiled, which takes a minute)\n");
    await runGo(run, ["install", `${path}@v${tool.version}`], { GOBIN: target });
  });
  return join(folder, tool.name);
}

/** Runs the Go command, as one step of an installation. */
export async function runGo(run: RunStep, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<void> {
  await run(["go", ...args], environment).catch((error) => {
    throw withAdvice(error, goAdvice);
  });
}

/** Where Go keeps the sources of what it has built. */
export function goModuleCache(): string {
  const { status, stdout } = spawnSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" });
  if (status !== 0) {
    throw new ToolMissing(`go env failed: ${goAdvice}`);
  }
  return stdout.trim();
}

/** A program that an npm package brings for one platform alone. */
export interface NpmProgram extends Tool {
  readonly package: string;
  /** The program's path in the package. */
  readonly file: string;
  /** Such as `linux-x64`. */
  readonly platform: string;
}

export async function installNpm({ package: name, file, platform, ...tool }: NpmProgram): Promise<string> {
  if (platform !== `${process.platform}-${process.arch}`) {
    throw new ToolMissing(`${tool.name} comes for ${platform} alone here`);
  }
  const folder = await installOnce(tool, async (target, run) => {
    const how = ["--no-audit", "--no-fund", "--ignore-scripts"];
    await run(["npm", "install", "--prefix", target, ...how, `${name}@${tool.version}`]);
  });
  return join(folder, "node_modules", name, file);
}
