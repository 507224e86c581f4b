import { join } from "node:path";
import { installPython } from "../../tools/install-from.js";
import { root } from "../../tools/root.js";
import type { Cell, Column } from "../interop/column.js";
import { runCommand } from "../interop/run-command.js";

const tests = { name: "celery", list: "python/tests/requirements.txt" };
const schema = { name: "grpcio-tools", list: "python/schema/requirements.txt" };

/** What is checked of the package in python/. */
const checks = [
  { row: "the generated code is current", packages: schema, args: ["schema/generate.py", "--check"] },
  { row: "types", packages: tests, args: ["-m", "mypy"] },
  { row: "tests", packages: tests, args: ["-m", "pytest", "-q", "tests"] },
];

/** Python's own checks of the result backend for Celery. */
export async function runCeleryDynakv(): Promise<Column[]> {
  const cells: Cell[] = [];
  for (const { row, packages, args } of checks) {
    const { code, stdout, stderr } = await runCommand(await installPython(packages), args, {
      cwd: join(root, "python"),
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    cells.push(code === 0 ? { row, text: "passed" } : { row, text: "**failed**", problem: `${stdout}${stderr}` });
  }
  return [{ table: "celery-dynakv", title: "as it should be", cells }];
}
