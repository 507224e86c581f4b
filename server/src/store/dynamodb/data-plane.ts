import type {
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  DeleteItemCommandInput,
  DeleteItemCommandOutput,
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
  UpdateItemCommandInput,
  UpdateItemCommandOutput,
} from "@aws-sdk/client-dynamodb";

import type { ItemsAnswer } from "./answer.js";
import type { AnswerRoom } from "./answer-room.js";
import type { Column } from "./answered-items.js";

/**
 * The operations of DynamoDB that calls are made of. Each sends one request and never repeats it (see retry.ts), rejects when
 * the signal aborts, and otherwise with an error that `classifyError` understands. Of one whose answer needs room that is not there it
 * rejects with NoRoomError, without reading it.
 */
export interface DataPlane {
  getItem(
    input: GetItemCommandInput,
    signal: AbortSignal,
    room?: AnswerRoom,
  ): Promise<Pick<GetItemCommandOutput, "Item" | "ConsumedCapacity">>;
  batchGetItem(
    input: BatchGetItemCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<BatchGetItemCommandOutput, "Responses" | "UnprocessedKeys" | "ConsumedCapacity">>;
  /** The same, of one table, with its items as {@link AnsweredItems}. */
  batchGetColumns(
    input: BatchGetItemCommandInput,
    signal: AbortSignal,
    columns: readonly Column[],
    room?: AnswerRoom,
  ): Promise<ItemsAnswer<Pick<BatchGetItemCommandOutput, "UnprocessedKeys" | "ConsumedCapacity">>>;
  scan(
    input: ScanCommandInput,
    signal: AbortSignal,
    columns: readonly Column[],
  ): Promise<ItemsAnswer<Pick<ScanCommandOutput, "LastEvaluatedKey" | "ConsumedCapacity">>>;
  putItem(
    input: PutItemCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<PutItemCommandOutput, "Attributes" | "ConsumedCapacity">>;
  updateItem(
    input: UpdateItemCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<UpdateItemCommandOutput, "Attributes" | "ConsumedCapacity">>;
  deleteItem(
    input: DeleteItemCommandInput,
    signal: AbortSignal,
  ): Promise<Pick<DeleteItemCommandOutput, "Attributes" | "ConsumedCapacity">>;
}
