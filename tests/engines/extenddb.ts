import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installNpm } from "../../tools/install-from.js";
import { type Access, startEngineProgram } from "./start-engine.js";

export const extenddb = {
  name: "extenddb",
  version: "0.1.10",
  package: "@extenddb/linux-x64",
  file: "extenddb",
  platform: "linux-x64",
};

/** It takes an identifier of AWS's form alone, such as that of AWS's example, and a secret that need not be escaped in a URL. */
const key = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "test" };

/**
 * Starts ExtendDB on a database of its own that goes when it is stopped. It throttles when it is told to. It leaves a new table
 * `CREATING` for a quarter of a second, as DynamoDB does for longer (`control_plane_delay_seconds`): that is kept, as a test of
 * who does not wait.
 */
export async function startExtendDb(
  throttling: boolean,
): Promise<{ access: Access; log: string; stop(): Promise<void> }> {
  const file = await installNpm(extenddb);
  const folder = mkdtempSync(join(tmpdir(), "dynakv-extenddb-"));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", clear);
  const config = join(folder, "extenddb.toml");
  // Its `:memory:` loses tables. A string of JSON is one of TOML as well.
  const path = JSON.stringify(join(folder, "extenddb.sqlite"));
  writeFileSync(config, `[storage]\nbackend = "sqlite"\n[storage.sqlite]\npath = ${path}\n[logging]\nlevel = "warn"\n`);
  const args = (port: number) => ["serve", "--config", config, "--foreground", "--port", String(port)];
  // It would take the machine's own key from the environment.
  const environment = { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
  const engine = { name: "extenddb", file, args, key, environment };
  try {
    if (throttling) {
      // The first start makes the database that settings are kept in; this one is looked up when it starts.
      const first = await startEngineProgram(engine);
      await first.stop();
      change(file, config, "throttling_enabled", "true");
    }
    const program = await startEngineProgram(engine);
    return {
      ...program,
      async stop() {
        await program.stop();
        clear();
        process.off("exit", clear);
      },
    };
  } catch (error) {
    clear();
    process.off("exit", clear);
    throw error;
  }
}

function change(file: string, config: string, setting: string, value: string): void {
  const { status, stderr } = spawnSync(file, ["settings", "--config", config, "set", setting, value], {
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new Error(`extenddb does not take the setting ${setting}: ${stderr}`);
  }
}
