import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolderOf, installGo, installOnce, installPython } from "../../../tools/install-once.js";
import { root } from "../../../tools/root.js";

export const cacheFolder = cacheFolderOf("dynakv-interop");

/** A program in Go that the Go command builds from its sources. */
export interface GoProgram {
  readonly name: string;
  readonly version: string;
  readonly package: string;
}

export const grpcurl: GoProgram = {
  name: "grpcurl",
  version: "1.9.4",
  package: "github.com/fullstorydev/grpcurl/cmd/grpcurl",
};
export const ghz: GoProgram = { name: "ghz", version: "0.121.0", package: "github.com/bojand/ghz/cmd/ghz" };
export const healthProbe: GoProgram = {
  name: "grpc-health-probe",
  version: "0.4.61",
  package: "github.com/grpc-ecosystem/grpc-health-probe",
};

export function titleOf({ name, version }: { name: string; version: string }): string {
  return `${name} ${version}`;
}

/** The file of a program, which is built first if it is not there. Rejects with ToolMissing when it cannot be. */
export async function installProgram({ name, version, package: path }: GoProgram): Promise<string> {
  const folder = await installOnce(cacheFolder, `${name}-${version}`, async (target, run) => {
    process.stdout.write("  (it is compiled, which takes a minute)\n");
    await installGo(target, run, `${path}@v${version}`);
  });
  return join(folder, name);
}

/** The names of the lists of Python's packages, all with their versions, beside this file. */
export type PythonPackages = "celery" | "grpcio";

/** Python with the packages of a list, which are installed first if they are not there. */
export async function installPackages(name: PythonPackages): Promise<string> {
  const file = join(root, `tests/interop/tools/${name}.txt`);
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 8);
  const folder = await installOnce(cacheFolder, `${name}-${versionOf(name)}-${digest}`, (venv, run) =>
    installPython(venv, run, "--requirement", file),
  );
  return join(folder, "bin/python");
}

/** The version of the package that a list is named for. */
export function versionOf(name: PythonPackages): string {
  const list = readFileSync(join(root, `tests/interop/tools/${name}.txt`), "utf8");
  return new RegExp(`^${name}(?:\\[.*\\])?==(.*)$`, "m").exec(list)?.[1] ?? "";
}
