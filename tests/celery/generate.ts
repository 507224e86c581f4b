/**
 * Generates python/src/celery_dynakv/_schema from proto/.
 *
 *     npm run generate:python
 */
import { join } from "node:path";
import { installPython } from "../../tools/install-from.js";
import { root } from "../../tools/root.js";
import { runCommand } from "../interop/run-command.js";

const python = await installPython({ name: "grpcio-tools", list: "python/schema/requirements.txt" });
const { code, stdout, stderr } = await runCommand(python, ["schema/generate.py"], { cwd: join(root, "python") });
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code ?? 1;
