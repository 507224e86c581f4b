import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Consistency, type Entry } from "../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService, ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { JsonObject } from "../json.js";

/** How long a task may take until its result is there; the worker's start is a part of it. */
const waitMs = 300_000;
const pollMs = 50;

export type KeyValue = ReturnType<typeof createKeyValue>;

/** dynakv, as a service that shares a table with Celery would use it. */
export function createKeyValue(url: string) {
  const client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));

  async function read(key: string): Promise<Entry | undefined> {
    return (await client.get({ key, consistency: Consistency.STRONG })).entry;
  }

  async function waitUntil<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    for (const giveUpAt = Date.now() + waitMs; Date.now() < giveUpAt; await sleep(pollMs)) {
      const found = await ask();
      if (found !== undefined) {
        return found;
      }
    }
    throw new Error(`after ${waitMs / 1000} s ${what} was not there`);
  }

  return {
    client,
    read,
    /** The bytes at a key, once there are any. */
    async readBytes(key: string): Promise<Uint8Array> {
      const { data } = await waitUntil(`a value at ${key}`, () => read(key));
      if (data.case !== "value") {
        throw new Error(`${key} holds a ${data.case}`);
      }
      return data.value;
    },
    /** The result at the key of a task, once the task has ended. */
    async readResult(key: string): Promise<JsonObject> {
      return parseResult(await this.readBytes(key));
    },
    /** The results of tasks, read in one call once all have ended. */
    async readResults(keys: string[]): Promise<JsonObject[]> {
      return waitUntil(`a result at each of ${keys}`, async () => {
        const found: JsonObject[] = [];
        const request = { keys, consistency: Consistency.STRONG, order: ResultOrder.REQUEST };
        for await (const { results } of client.mGet(request)) {
          for (const { result } of results) {
            if (result.case === "entry" && result.value.data.case === "value") {
              found.push(parseResult(result.value.data.value));
            }
          }
        }
        return found.length === keys.length ? found : undefined;
      });
    },
    /** Waits until a counter has a value. */
    async waitForCount(key: string, count: bigint): Promise<void> {
      await waitUntil(`the count ${count} at ${key}`, async () => {
        const entry = await read(key);
        return entry?.data.case === "counter" && entry.data.value === count ? count : undefined;
      });
    },
    async waitUntilGone(key: string): Promise<void> {
      await waitUntil(`the end of ${key}`, async () => ((await read(key)) === undefined ? true : undefined));
    },
    /** Stores the result of a task as a worker does, but without compression. */
    async storeResult(id: string, result: JsonObject[string]): Promise<void> {
      const meta = { status: "SUCCESS", result, traceback: null, children: [], date_done: null, task_id: id };
      await client.set({ key: `b'celery-task-meta-${id}'`, value: Buffer.from(JSON.stringify(meta)) });
    },
  };
}

function parseResult(bytes: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(bytes).toString()) as JsonObject;
}
