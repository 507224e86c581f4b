import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runGo } from "../../tools/install-from.js";
import { installOnce } from "../../tools/install-once.js";

const module = "github.com/prometheus/prometheus";
/** Prometheus 3.5: its Go module counts from 0.300. */
const version = "0.305.0";

/** The file of promtool, which is built first if it is not there. Rejects with ToolMissing when it cannot be. */
export async function installPromtool(): Promise<string> {
  const folder = await installOnce({ name: "promtool", version }, async (target, run) => {
    process.stdout.write("  (it is compiled, which takes some minutes)\n");
    // `go install` refuses a module that replaces others, so it is built from a module of its own, as a dependency.
    const go = (...args: string[]) => runGo(run, ["-C", target, ...args]);
    mkdirSync(target);
    await go("mod", "init", "promtool");
    await go("get", `${module}/cmd/promtool@v${version}`);
    await go("build", "-o", "promtool", `${module}/cmd/promtool`);
  });
  return join(folder, "promtool");
}
