import type { Cell, Column } from "../column.js";
import { runCommand } from "../run-command.js";

/** What the probe's program ends with when the call itself fails, as it does for a service that the server has not. */
const callFailed = 3;

export async function runHealthProbe(file: string, title: string, address: string): Promise<Column> {
  async function probe(row: string, service: string, expectedCode: number, expected: string): Promise<Cell> {
    const { code, stderr } = await runCommand(file, ["-addr", address, "-service", service]);
    const right = code === expectedCode && stderr.includes(expected);
    const problem = `ended with ${code} and '${stderr.trim()}', not with ${expectedCode} and '${expected}'`;
    return right ? { row, text: `${expected}, exit code ${code}` } : { row, text: "**differs**", problem };
  }
  const cells = [
    await probe("the server", "", 0, "SERVING"),
    await probe("dynakv.v1.KeyValueService", "dynakv.v1.KeyValueService", 0, "SERVING"),
    await probe("a service that is not there", "dynakv.v1.Nothing", callFailed, "NotFound"),
  ];
  return { table: "health", title, cells };
}
