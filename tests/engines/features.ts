import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConditionalCheckFailedException,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";

/** What an engine answered for each feature: `yes`, or `no` with its reason. */
export type Features = Readonly<Record<string, string>>;

/** What was asked so far, and what takes the time that the tests take. */
export interface FeatureProbe {
  finish(): Promise<Features>;
}

const activeMs = 60_000;
const id = (key: string) => ({ id: { S: key } });

/** Asks an engine, in tables of its own, what it has of what differs among engines. */
export async function probeFeatures(client: DynamoDBClient): Promise<FeatureProbe> {
  const table = await createTable(client, { BillingMode: "PAY_PER_REQUEST" });
  const answers: Record<string, string> = {};
  answers["TTL calls"] = await answerOf(async () => {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: table,
        TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" },
      }),
    );
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }));
    return ["ENABLED", "ENABLING"].includes(TimeToLiveDescription?.TimeToLiveStatus ?? "");
  });
  const expired = { ...id("expired"), ttl: { N: String(Math.floor(Date.now() / 1000) - 60) } };
  await client.send(new PutItemCommand({ TableName: table, Item: expired }));
  answers.transactions = await answerOf(async () => {
    const put = { Put: { TableName: table, Item: id("written together") } };
    await client.send(new TransactWriteItemsCommand({ TransactItems: [put] }));
    return isThere(client, table, "written together");
  });
  answers["old item on a failed condition"] = await answerOf(() => returnsOldItem(client, table));
  answers.throttling = await answerOf(() => throttles(client));
  return {
    async finish() {
      answers["reaping while the tests ran"] = await answerOf(async () => !(await isThere(client, table, "expired")));
      await client.send(new DeleteTableCommand({ TableName: table }));
      return answers;
    },
  };
}

async function answerOf(ask: () => Promise<boolean>): Promise<string> {
  try {
    return (await ask()) ? "yes" : "no";
  } catch (error) {
    return `no (${(error as Error).name})`;
  }
}

async function isThere(client: DynamoDBClient, table: string, key: string): Promise<boolean> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: id(key), ConsistentRead: true }));
  return Item !== undefined;
}

async function returnsOldItem(client: DynamoDBClient, table: string): Promise<boolean> {
  const item = { ...id("old"), result: { B: new Uint8Array([1]) } };
  await client.send(new PutItemCommand({ TableName: table, Item: item }));
  try {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: id("old"),
        ConditionExpression: "attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  } catch (error) {
    if ((error as Error).name !== "ConditionalCheckFailedException") {
      throw error;
    }
    return (error as ConditionalCheckFailedException).Item?.result?.B?.[0] === 1;
  }
  return false;
}

/** Writes 4,000 units at once to a table that has one a second, and a burst of 300 at most. */
async function throttles(client: DynamoDBClient): Promise<boolean> {
  const table = await createTable(client, {
    BillingMode: "PROVISIONED",
    ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
  });
  const value = { B: new Uint8Array(200 * 1024) };
  const puts = Array.from({ length: 20 }, (_, n) =>
    client.send(new PutItemCommand({ TableName: table, Item: { ...id(`large ${n}`), result: value } })),
  );
  const results = await Promise.allSettled(puts);
  await client.send(new DeleteTableCommand({ TableName: table }));
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  const other = errors.find(({ name }) => !/Throttl|ThroughputExceeded/.test(name));
  if (other !== undefined) {
    throw other;
  }
  return errors.length > 0;
}

async function createTable(
  client: DynamoDBClient,
  billing: Pick<CreateTableCommandInput, "BillingMode" | "ProvisionedThroughput">,
): Promise<string> {
  const table = `dynakv-test-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      ...billing,
    }),
  );
  for (const giveUpAt = Date.now() + activeMs; Date.now() < giveUpAt; await sleep(200)) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    if (Table?.TableStatus === "ACTIVE") {
      return table;
    }
  }
  throw new Error(`table '${table}' is not active after ${activeMs / 1000} s`);
}
