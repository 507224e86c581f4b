import type { DescribeTableCommandOutput } from "@aws-sdk/client-dynamodb";
import type { TablePlane } from "./table-plane.js";

/** Sends one request, and reads its answer as DynamoDB's JSON has it. */
type Send = <Output>(operation: string, input: object, signal: AbortSignal) => Promise<Output>;

/** The operations on a table without the SDK, which takes longer to load than the rest of a server with the embedded engine. */
export function createLeanTablePlane(send: Send): TablePlane {
  return {
    async describeTable(input, signal) {
      const { Table: table } = await send<Pick<DescribeTableCommandOutput, "Table">>("DescribeTable", input, signal);
      // In JSON, a time is a number of seconds.
      const created = Number(table?.CreationDateTime);
      return {
        Table: { ...table, CreationDateTime: Number.isFinite(created) ? new Date(created * 1000) : undefined },
      };
    },
    createTable: (input, signal) => send("CreateTable", input, signal),
    describeTimeToLive: (input, signal) => send("DescribeTimeToLive", input, signal),
    updateTimeToLive: (input, signal) => send("UpdateTimeToLive", input, signal),
    scan: (input, signal) => send("Scan", input, signal),
    deleteItem: (input, signal) => send("DeleteItem", input, signal),
  };
}
