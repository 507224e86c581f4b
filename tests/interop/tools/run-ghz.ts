import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Cell, Column } from "../column.js";
import type { JsonObject } from "../json.js";
import { runCommand } from "../run-command.js";
import type { ServedDynakv } from "../serve-dynakv.js";

const calls = 1000;
const callers = 10;

interface GhzReport {
  readonly count: number;
  readonly statusCodeDistribution: Readonly<Record<string, number>>;
}

/** ghz prints no answers, but counts their codes, and what it has done can be read afterwards. */
export async function runGhz(file: string, title: string, { url, address }: ServedDynakv): Promise<Column> {
  const client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));
  const key = `ghz/${randomUUID()}`;
  await client.set({ key: `${key}/value`, value: Buffer.from("hello") });

  async function load(row: string, method: string, request: JsonObject, expected: string): Promise<Cell> {
    const how = ["--insecure", "--call", `dynakv.v1.KeyValueService.${method}`, "--format", "json"];
    const much = ["--total", String(calls), "--concurrency", String(callers)];
    const printed = await runCommand(file, [...how, ...much, "--data", JSON.stringify(request), address]);
    if (printed.code !== 0) {
      return { row, text: "**failed**", problem: printed.stderr };
    }
    const { count, statusCodeDistribution } = JSON.parse(printed.stdout) as GhzReport;
    const found = Object.entries(statusCodeDistribution)
      .map(([code, times]) => `${times} ${code}`)
      .join(", ");
    const right = count === calls && found === `${calls} ${expected}`;
    return { row, text: found, ...(right ? {} : { problem: `${found}, of ${calls} ${expected}` }) };
  }

  const what = `${calls} calls of ${callers} callers`;
  const cells = [
    await load(`Get, ${what}`, "Get", { key: `${key}/value` }, "OK"),
    await load(`Get with an empty key, ${what}`, "Get", { key: "" }, "InvalidArgument"),
    await load(`MGet, ${what}`, "MGet", { keys: [`${key}/value`, `${key}/missing`] }, "OK"),
    await load(`Incr, ${what}`, "Incr", { key: `${key}/counter` }, "OK"),
  ];
  const { entry } = await client.get({ key: `${key}/counter`, consistency: 2 });
  const counted = String(entry?.data.value);
  const row = "the counter afterwards";
  const problem = counted === String(calls) ? {} : { problem: `the counter is ${counted}, not ${calls}` };
  return { table: "load by ghz", title, cells: [...cells, { row, text: counted, ...problem }] };
}
