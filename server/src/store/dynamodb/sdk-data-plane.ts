import {
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { AnsweredItems } from "./answered-items.js";
import type { DataPlane } from "./data-plane.js";
import { AbortError } from "./http-exchange.js";
import type { Item } from "./item.js";

/** The operations as the AWS SDK sends them, with all the middleware of a client that does not retry. */
export function createSdkDataPlane(client: Pick<DynamoDBClient, "send">): DataPlane {
  return {
    getItem: (input, signal) => unlessAborted((options) => client.send(new GetItemCommand(input), options), signal),
    batchGetItem: (input, signal) =>
      unlessAborted((options) => client.send(new BatchGetItemCommand(input), options), signal),
    async batchGetColumns(input, signal) {
      const send = (options: { abortSignal: AbortSignal }) => client.send(new BatchGetItemCommand(input), options);
      const { Responses, ...rest } = await unlessAborted(send, signal);
      return { ...rest, items: itemsOf(Responses?.[Object.keys(input.RequestItems ?? {})[0] ?? ""]) };
    },
    async scan(input, signal) {
      const send = (options: { abortSignal: AbortSignal }) => client.send(new ScanCommand(input), options);
      const { Items, ...rest } = await unlessAborted(send, signal);
      return { ...rest, items: itemsOf(Items) };
    },
    putItem: (input, signal) => unlessAborted((options) => client.send(new PutItemCommand(input), options), signal),
    updateItem: (input, signal) =>
      unlessAborted((options) => client.send(new UpdateItemCommand(input), options), signal),
    deleteItem: (input, signal) =>
      unlessAborted((options) => client.send(new DeleteItemCommand(input), options), signal),
  };
}

/** DynamoDB always sends the list. Taken for an empty one, a broken answer would make every key look missing. */
function itemsOf(items: Item[] | undefined): AnsweredItems {
  if (items === undefined) {
    throw new Error("the answer has no list of items");
  }
  return AnsweredItems.of(items);
}

/** The SDK leaves a request at once when its signal aborts, but not while it still waits for credentials. */
function unlessAborted<T>(
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // The SDK's own abort error comes first.
    const leave = () => setImmediate(() => reject(new AbortError()));
    signal.addEventListener("abort", leave);
    send({ abortSignal: signal })
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", leave));
  });
}
