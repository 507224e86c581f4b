import {
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DataPlane } from "./data-plane.js";
import { AbortError } from "./http-exchange.js";

/** The operations as the AWS SDK sends them, with all the middleware of a client that does not retry. */
export function createSdkDataPlane(client: Pick<DynamoDBClient, "send">): DataPlane {
  return {
    getItem: (input, signal) => unlessAborted((options) => client.send(new GetItemCommand(input), options), signal),
    batchGetItem: (input, signal) =>
      unlessAborted((options) => client.send(new BatchGetItemCommand(input), options), signal),
    scan: (input, signal) => unlessAborted((options) => client.send(new ScanCommand(input), options), signal),
    putItem: (input, signal) => unlessAborted((options) => client.send(new PutItemCommand(input), options), signal),
    updateItem: (input, signal) =>
      unlessAborted((options) => client.send(new UpdateItemCommand(input), options), signal),
    deleteItem: (input, signal) =>
      unlessAborted((options) => client.send(new DeleteItemCommand(input), options), signal),
  };
}

/** The SDK leaves a request at once when its signal aborts, but not while it still waits for credentials. */
function unlessAborted<T>(
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // What the SDK itself says of an abort comes first.
    const leave = () => setImmediate(() => reject(new AbortError()));
    signal.addEventListener("abort", leave);
    send({ abortSignal: signal })
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", leave));
  });
}
