import { join } from "node:path";
import { installPython } from "../../tools/install-from.js";
import { ToolMissing } from "../../tools/install-once.js";
import { root } from "../../tools/root.js";
import { generatePython } from "../interop/clients/grpcio.js";
import { startJsonProgram } from "../interop/json-program.js";
import { grpcio, scratchFolder } from "../interop/tools/installed.js";
import type { Done } from "./callers.js";

/**
 * Has callers by Python's grpcio do as those of the client's entries do, until it is told to stop.
 *
 * @returns undefined where grpcio cannot be had, which is said on stderr
 */
export async function startGrpcioCallers(address: string): Promise<(() => Promise<Done>) | undefined> {
  try {
    const python = await installPython(grpcio);
    const generated = join(scratchFolder, "generated-for-restarts");
    await generatePython(python, generated);
    const program = startJsonProgram(python, [
      join(root, "tests/restarts/grpcio_callers.py"),
      generated,
      new URL(address).host,
    ]);
    return async () => {
      const done: unknown = await program.ask({ stop: true });
      await program.stop();
      return done as Done;
    };
  } catch (error) {
    if (error instanceof ToolMissing) {
      process.stderr.write(`without grpcio: ${error.message}\n`);
      return undefined;
    }
    throw error;
  }
}
