import type {
  CreateTableCommandInput,
  CreateTableCommandOutput,
  DeleteItemCommandInput,
  DescribeTableCommandInput,
  DescribeTableCommandOutput,
  DescribeTimeToLiveCommandInput,
  DescribeTimeToLiveCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
  UpdateTimeToLiveCommandInput,
} from "@aws-sdk/client-dynamodb";

/**
 * The operations of DynamoDB that keep a table: its set-up, its TTL, and the reaping of its items. Each sends one request and never
 * repeats it, and rejects with an error that `classifyError` understands.
 */
export interface TablePlane {
  describeTable(
    input: DescribeTableCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<DescribeTableCommandOutput, "Table">>;
  createTable(
    input: CreateTableCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<CreateTableCommandOutput, "TableDescription">>;
  describeTimeToLive(
    input: DescribeTimeToLiveCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<DescribeTimeToLiveCommandOutput, "TimeToLiveDescription">>;
  updateTimeToLive(input: UpdateTimeToLiveCommandInput, signal: AbortSignal): Promise<object>;
  scan(
    input: ScanCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<ScanCommandOutput, "Items" | "LastEvaluatedKey" | "ConsumedCapacity">>;
  deleteItem(input: DeleteItemCommandInput, signal: AbortSignal): Promise<object>;
}
