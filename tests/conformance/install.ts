import { join } from "node:path";
import { goModuleCache, runGo } from "../../tools/install-from.js";
import { installOnce } from "../../tools/install-once.js";

const module = "connectrpc.com/conformance";
const version = "1.0.7";

/** The suite's program, and its schema as a set of file descriptors; both are made first if they are not there. */
export async function installConformance(): Promise<{ readonly program: string; readonly schema: string }> {
  const folder = await installOnce({ name: "connectconformance", version }, async (target, run) => {
    await runGo(run, ["install", `${module}/cmd/connectconformance@v${version}`], { GOBIN: target });
    const sources = join(goModuleCache(), `${module}@v${version}`, "proto");
    await run(["npx", "--no", "buf", "build", sources, "--output", join(target, "schema.binpb")]);
  });
  return { program: join(folder, "connectconformance"), schema: join(folder, "schema.binpb") };
}
