import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ScanCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import type { TablePlane } from "./table-plane.js";

/** The operations on a table as the AWS SDK sends them, by a client that does not retry. */
export function createSdkTablePlane(client: Pick<DynamoDBClient, "send">): TablePlane {
  return {
    describeTable: (input, abortSignal) => client.send(new DescribeTableCommand(input), { abortSignal }),
    createTable: (input, abortSignal) => client.send(new CreateTableCommand(input), { abortSignal }),
    describeTimeToLive: (input, abortSignal) => client.send(new DescribeTimeToLiveCommand(input), { abortSignal }),
    updateTimeToLive: (input, abortSignal) => client.send(new UpdateTimeToLiveCommand(input), { abortSignal }),
    scan: (input, abortSignal) => client.send(new ScanCommand(input), { abortSignal }),
    deleteItem: (input, abortSignal) => client.send(new DeleteItemCommand(input), { abortSignal }),
  };
}
