import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolderOf, goAdvice, installOnce, withAdvice } from "../../tools/install-once.js";

const module = "github.com/prometheus/prometheus";
/** Prometheus 3.5: its Go module counts from 0.300. */
const version = "v0.305.0";

/** The file of promtool, which is built first if it is not there. Rejects with ToolMissing when it cannot be. */
export async function installPromtool(): Promise<string> {
  const folder = await installOnce(cacheFolderOf("dynakv-metrics"), `promtool-${version}`, async (target, run) => {
    process.stdout.write("  (it is compiled, which takes some minutes)\n");
    // `go install` refuses a module that replaces others, so it is built from a module of its own, as a dependency.
    const go = (...args: string[]) =>
      run(["go", "-C", target, ...args]).catch((error) => {
        throw withAdvice(error, goAdvice);
      });
    mkdirSync(target);
    await go("mod", "init", "promtool");
    await go("get", `${module}/cmd/promtool@${version}`);
    await go("build", "-o", "promtool", `${module}/cmd/promtool`);
  });
  return join(folder, "promtool");
}
