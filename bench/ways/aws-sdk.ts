import { Agent } from "node:http";
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { type EngineAddress, table } from "../load.js";
import type { Way } from "./way.js";

/** DynamoDB's limit of a BatchGetItem. */
const batchKeys = 100;
/** As many as the server has in flight for an mget. */
const parallelBatches = 8;

function optionsOf({ endpoint, region, accessKeyId, secretAccessKey }: EngineAddress) {
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

/** The SDK as most people call it: one shared client with its defaults, and one batch after another. */
export function createSdkWay(engine: EngineAddress): Way {
  const client = new DynamoDBClient(optionsOf(engine));
  return { ...singleCalls(client), mget: (keys) => readBatches(client, keys, 1) };
}

/**
 * The SDK as its best users tune it: middleware resolved once per command, no logger, sockets enough for all that is in
 * flight, batches in parallel. An undici handler would be faster still, but no maintained one is among the dependencies.
 */
export function createTunedSdkWay(engine: EngineAddress, batches = parallelBatches): Way {
  const client = new DynamoDBClient({
    ...optionsOf(engine),
    cacheMiddleware: true,
    logger: {} as never,
    requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: 512 }) },
  });
  return { ...singleCalls(client), mget: (keys) => readBatches(client, keys, batches) };
}

/** What Celery's backend does about many keys: it gets one after another. */
export function createCeleryWay(engine: EngineAddress): Way {
  const calls = singleCalls(new DynamoDBClient(optionsOf(engine)));
  return {
    ...calls,
    async mget(keys) {
      let found = 0;
      for (const key of keys) {
        found += (await calls.get(key)) === undefined ? 0 : 1;
      }
      return found;
    },
  };
}

function singleCalls(client: DynamoDBClient): Omit<Way, "mget"> {
  return {
    async get(key) {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: { id: { S: key } } }));
      return Item;
    },
    set(key, value) {
      const Item = { id: { S: key }, result: { B: value }, timestamp: { N: (Date.now() / 1000).toString() } };
      return client.send(new PutItemCommand({ TableName: table, Item }));
    },
    async incr(key) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: { id: { S: key } },
        UpdateExpression: "ADD chord_count :delta",
        ExpressionAttributeValues: { ":delta": { N: "1" } },
        ReturnValues: "UPDATED_NEW",
      });
      const { Attributes } = await client.send(command);
      return BigInt(Attributes?.chord_count?.N ?? "");
    },
  };
}

async function readBatches(client: DynamoDBClient, keys: Iterable<string>, parallel: number): Promise<number> {
  const batches = cutBatches(keys);
  let found = 0;
  // The lanes share the iterator: each takes the next batch when it is done with its last.
  const lane = async () => {
    for (const batch of batches) {
      const foundHere = await readBatch(client, batch);
      found += foundHere;
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return found;
}

async function readBatch(client: DynamoDBClient, keys: readonly string[]): Promise<number> {
  let found = 0;
  let asked: BatchGetItemCommandInput["RequestItems"] = { [table]: { Keys: keys.map((key) => ({ id: { S: key } })) } };
  while (asked?.[table] !== undefined) {
    const answer: BatchGetItemCommandOutput = await client.send(new BatchGetItemCommand({ RequestItems: asked }));
    found += answer.Responses?.[table]?.length ?? 0;
    asked = answer.UnprocessedKeys;
  }
  return found;
}

/** An iterator that several can take from; a generator would end with the first of them. */
function cutBatches(keys: Iterable<string>): Iterable<string[]> {
  const source = keys[Symbol.iterator]();
  const iterator: Iterator<string[]> = {
    next() {
      const batch: string[] = [];
      while (batch.length < batchKeys) {
        const { done, value } = source.next();
        if (done === true) {
          break;
        }
        batch.push(value);
      }
      return batch.length > 0 ? { done: false, value: batch } : { done: true, value: undefined };
    },
  };
  return { [Symbol.iterator]: () => iterator };
}
