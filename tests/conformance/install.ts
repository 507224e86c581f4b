import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cacheFolderOf, goAdvice, installGo, installOnce, ToolMissing } from "../../tools/install-once.js";

const module = "connectrpc.com/conformance";
const version = "1.0.7";

/** The suite's program, and its schema as a set of file descriptors; both are made first if they are not there. */
export async function installConformance(): Promise<{ readonly program: string; readonly schema: string }> {
  const folder = await installOnce(
    cacheFolderOf("dynakv-conformance"),
    `conformance-${version}`,
    async (target, run) => {
      await installGo(target, run, `${module}/cmd/connectconformance@v${version}`);
      // Go keeps the sources of what it has built, the schema among them.
      const sources = join(goModuleCache(), `${module}@v${version}`, "proto");
      await run(["npx", "--no", "buf", "build", sources, "--output", join(target, "schema.binpb")]);
    },
  );
  return { program: join(folder, "connectconformance"), schema: join(folder, "schema.binpb") };
}

function goModuleCache(): string {
  const { status, stdout } = spawnSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" });
  if (status !== 0) {
    throw new ToolMissing(`go env failed: ${goAdvice}`);
  }
  return stdout.trim();
}
