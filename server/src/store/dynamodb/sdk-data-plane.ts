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

/** The operations as the AWS SDK sends them, with all the middleware of a client that does not retry. */
export function createSdkDataPlane(client: Pick<DynamoDBClient, "send">): DataPlane {
  return {
    getItem: (input, abortSignal) => client.send(new GetItemCommand(input), { abortSignal }),
    batchGetItem: (input, abortSignal) => client.send(new BatchGetItemCommand(input), { abortSignal }),
    scan: (input, abortSignal) => client.send(new ScanCommand(input), { abortSignal }),
    putItem: (input, abortSignal) => client.send(new PutItemCommand(input), { abortSignal }),
    updateItem: (input, abortSignal) => client.send(new UpdateItemCommand(input), { abortSignal }),
    deleteItem: (input, abortSignal) => client.send(new DeleteItemCommand(input), { abortSignal }),
  };
}
