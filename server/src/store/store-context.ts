import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Clock } from "./entry.js";
import type { ItemLayout } from "./item-layout.js";
import type { RetryBudget } from "./retry.js";

/** What the operations of the store share. */
export interface StoreContext {
  /** Sends one request and never repeats it by itself: see retry.ts. */
  readonly client: Pick<DynamoDBClient, "send">;
  readonly layout: ItemLayout;
  readonly clock: Clock;
  readonly budget: RetryBudget;
  /** The expiry of entries that are created without one, in seconds; undefined when they never expire. */
  readonly defaultExpirySeconds: number | undefined;
  /** The most BatchGetItem calls that one MGet has in flight. */
  readonly batchConcurrency: number;
}

/** The expiry of an entry that is created without one. */
export function defaultExpireAt(context: StoreContext, nowMs: number): number | undefined {
  const { defaultExpirySeconds } = context;
  return defaultExpirySeconds === undefined ? undefined : Math.ceil(nowMs / 1000 + defaultExpirySeconds);
}
