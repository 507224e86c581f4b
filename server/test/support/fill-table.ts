import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import type { TestServer } from "./test-server.js";

/** The most items that DynamoDB takes in one request. */
const most = 25;

/** Writes values under many keys, past the server: each value is its key, unless it is told otherwise. */
export async function fillTable(
  { engine, table }: Pick<TestServer, "engine" | "table">,
  keys: readonly string[],
  valueAt = (key: string) => key,
): Promise<void> {
  for (let from = 0; from < keys.length; from += most) {
    const puts = keys.slice(from, from + most).map((key) => ({
      PutRequest: {
        Item: { id: { S: key }, result: { B: Buffer.from(valueAt(key)) }, timestamp: { N: "1700000000.5" } },
      },
    }));
    await engine.client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
}
