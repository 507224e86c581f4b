import { toJsonString } from "@bufbuild/protobuf";
import { durationMs, type GetInfoResponse, GetInfoResponseSchema } from "@dynakv/client/schema";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { defineCommand } from "../command.js";
import { count } from "../count.js";
import { showText } from "../show-text.js";

export const info = defineCommand({
  usage: "info",
  description: `Prints what the server says of itself: its version, its engine, its table and
the attributes there, the limits of requests, and what the engine supports.`,
  flags: {
    json: { type: "boolean", help: "print it as one line of JSON, as InfoService has it" },
  },
  examples: ["dynakv info", "dynakv info --json | jq -r .table.name"],
  positionals: [0, 0],
  async run({ client, flags, address }) {
    const found = await client.info();
    await print(
      flags.json
        ? `${toJsonString(GetInfoResponseSchema, found, { alwaysEmitImplicit: true })}\n`
        : render(found, address),
    );
    return exitCodes.done;
  },
});

function render(found: GetInfoResponse, address: string): string {
  const { version, engine, table, limits, features, defaultExpiry } = found;
  const rows: readonly (readonly [name: string, text: string | undefined])[] = [
    ["address", address],
    ["version", version],
    ["engine", engine],
    ["table", table?.name],
    ["key attribute", table?.keyAttribute],
    ["value attribute", table?.valueAttribute],
    ["counter attribute", table?.counterAttribute],
    ["write time attribute", table?.writeTimeAttribute],
    ["expiry attribute", table?.expiryAttribute],
    ["etag attribute", table?.etagAttribute],
    ["requests attribute", table?.requestsAttribute],
    ["longest key", limits && count(limits.maxKeyBytes, "byte")],
    ["largest item", limits && count(limits.maxItemBytes, "byte")],
    ["largest request", limits && count(limits.maxRequestBytes, "byte")],
    ["default deadline", seconds(limits?.defaultDeadline)],
    ["longest deadline", seconds(limits?.maxDeadline)],
    [
      "increments repeatable",
      limits && `${seconds(limits.requestWindow)}, of ${count(limits.maxRequestWriters, "writer")}`,
    ],
    ["default expiry", seconds(defaultExpiry) ?? "never"],
    [
      "expired items",
      features && (features.autoExpiry ? "are removed" : "stay in the table, and hold nothing for readers"),
    ],
    ["atomic counters", features && (features.atomicCounters ? "yes" : "no")],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(width)}  ${showText(text)}\n`]))
    .join("");
}

function seconds(duration: Parameters<typeof durationMs>[0] | undefined): string | undefined {
  return duration && `${(durationMs(duration) / 1000).toLocaleString("en")} s`;
}
