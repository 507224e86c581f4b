import { Code, ConnectError } from "@connectrpc/connect";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { readOptions } from "./arguments/call-arguments.js";
import { type Checks, checkOptions, numberIn, objectWith } from "./arguments/checks.js";
import type { ReadOptions } from "./call-options.js";
import { chordKey, groupKey, type KeyOptions, keyChecks, taskKey } from "./celery/keys.js";
import { decodeMeta, type PayloadOptions, payloadChecks } from "./celery/payload.js";
import {
  type GroupResult,
  hasEnded,
  isSuccess,
  type TaskResult,
  toGroupResult,
  toTaskResult,
} from "./celery/results.js";
import type { DynakvClient } from "./client.js";
import { SchemaError, standardSchema, validate } from "./codecs.js";
import { DynakvError, endedHere } from "./errors.js";
import { maxTimerMs, sleep } from "./sleep.js";

export { CompressionError } from "./celery/compression.js";
export { chordKey, groupKey, type KeyOptions, taskKey } from "./celery/keys.js";
export type { PayloadOptions } from "./celery/payload.js";
export {
  PythonDate,
  PythonDateTime,
  PythonDecimal,
  PythonTime,
  type PythonTypes,
  PythonUuid,
} from "./celery/python-values.js";
export { type GroupNode, type ResultNode, resultNodeOf, type TaskNode } from "./celery/result-tree.js";
export {
  type ExtendedFacts,
  type GroupResult,
  hasEnded,
  isFailure,
  isSuccess,
  type TaskError,
  type TaskFailure,
  type TaskProgress,
  type TaskResult,
  type TaskSuccess,
} from "./celery/results.js";

/** Options of {@link createCelery}: how keys are made, and how what they hold is read. */
export interface CeleryOptions extends KeyOptions, PayloadOptions {}

/** Options of {@link Celery.task}. */
export interface TaskOptions<S extends StandardSchemaV1 = StandardSchemaV1> extends ReadOptions {
  /** Schema of a successful task's result, by any library with Standard Schema. The default takes it as it is. */
  readonly schema?: S | undefined;
}

/** Options of {@link Celery.waitForTask}. */
export interface WaitOptions<S extends StandardSchemaV1 = StandardSchemaV1> extends TaskOptions<S> {
  /** Time to wait in all, in milliseconds; 0 is for ever. The default is 0: give a `signal`, or this. */
  readonly timeoutMs?: number | undefined;
  /** The longest pause after the first read, in milliseconds, which doubles with each. The default is 50. */
  readonly baseDelayMs?: number | undefined;
  /** The longest pause of all, in milliseconds. The default is 2000. */
  readonly maxDelayMs?: number | undefined;
}

/**
 * Reads what Celery's DynamoDB backend or dynakv has stored. What cannot be read rejects with the reason
 * `UNDECODABLE`: a value of another serializer, one that is compressed by what this platform lacks (the `cause` is a
 * CompressionError), and one that no task has written.
 */
export interface Celery {
  /** The stored state of a task; undefined when there is none: it is pending, unknown, or has expired. */
  task(id: string, options?: ReadOptions): Promise<TaskResult | undefined>;
  task<S extends StandardSchemaV1>(
    id: string,
    options: TaskOptions<S>,
  ): Promise<TaskResult<StandardSchemaV1.InferOutput<S>> | undefined>;
  /**
   * Waits until a task has ended, by SUCCESS, FAILURE or REVOKED, and reads it again and again until then. Rejects with `DEADLINE_EXCEEDED` when it has
   * not within `timeoutMs`, and with `CANCELED` when the signal aborts.
   */
  waitForTask(id: string, options?: WaitOptions): Promise<TaskResult>;
  waitForTask<S extends StandardSchemaV1>(
    id: string,
    options: WaitOptions<S>,
  ): Promise<TaskResult<StandardSchemaV1.InferOutput<S>>>;
  /** A group that was saved (`GroupResult.save`, and each chord's); undefined when there is none. */
  group(id: string, options?: ReadOptions): Promise<GroupResult | undefined>;
  /** Number of tasks of a chord that have ended, while it has not; undefined when there is no such chord, or it is done. */
  chordCount(groupId: string, options?: ReadOptions): Promise<bigint | undefined>;
}

const taskOptions: Checks<TaskOptions> = { ...readOptions, schema: standardSchema };
const delayMs = numberIn("0 or more milliseconds", 0);
const waitOptions: Checks<WaitOptions> = {
  ...taskOptions,
  timeoutMs: delayMs,
  baseDelayMs: delayMs,
  maxDelayMs: delayMs,
};

/** Reads what Celery's workers have written into the table of a dynakv server. */
export function createCelery(client: Pick<DynakvClient, "get">, given?: CeleryOptions): Celery {
  objectWith("a client of dynakv", "get")("client", client);
  const options = checkOptions<CeleryOptions>("createCelery", given, { ...keyChecks, ...payloadChecks });
  const { globalKeyPrefix, keyType, ...payload } = options;
  const keys: KeyOptions = { globalKeyPrefix, keyType };

  async function task(id: string, given?: TaskOptions): Promise<TaskResult | undefined> {
    const { schema, ...options } = checkOptions<TaskOptions>("task", given, taskOptions);
    const entry = await client.get(taskKey(id, keys), options);
    if (entry === undefined) {
      return undefined;
    }
    const meta = await decodeMeta(entry, payload);
    const result = toTaskResult(id, entry.etag, meta);
    if (schema === undefined || !isSuccess(result)) {
      return result;
    }
    try {
      return { ...result, result: await validate(schema, result.result) };
    } catch (cause) {
      throw new DynakvError("the task result does not match the schema", {
        reason: "UNDECODABLE",
        code: Code.DataLoss,
        issues: cause instanceof SchemaError ? cause.issues : undefined,
        cause,
      });
    }
  }

  async function waitForTask(id: string, given?: WaitOptions): Promise<TaskResult> {
    const options = checkOptions<WaitOptions>("waitForTask", given, waitOptions);
    const { timeoutMs = 0, signal, baseDelayMs = 50, maxDelayMs = 2000, ...reading } = options;
    const waiting = new AbortController();
    const leave = () => waiting.abort(signal?.reason);
    const late = () => waiting.abort(new ConnectError("timed out waiting for the task", Code.DeadlineExceeded));
    const timer = timeoutMs > 0 && timeoutMs <= maxTimerMs ? setTimeout(late, timeoutMs) : undefined;
    signal?.addEventListener("abort", leave);
    if (signal?.aborted === true) {
      leave();
    }
    try {
      for (let tries = 0; ; tries++) {
        const result = await task(id, { ...reading, signal: waiting.signal });
        if (result !== undefined && hasEnded(result)) {
          return result;
        }
        await sleep(Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(tries, 30)), waiting.signal);
        if (waiting.signal.aborted) {
          throw endedHere(waiting.signal.reason, undefined);
        }
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
    }
  }

  return {
    task: task as Celery["task"],
    waitForTask: waitForTask as Celery["waitForTask"],
    async group(id, given) {
      const options = checkOptions<ReadOptions>("group", given, readOptions);
      const entry = await client.get(groupKey(id, keys), options);
      return entry && toGroupResult(await decodeMeta(entry, payload));
    },
    async chordCount(groupId, given) {
      const options = checkOptions<ReadOptions>("chordCount", given, readOptions);
      const entry = await client.get(chordKey(groupId, keys), options);
      return entry?.kind === "counter" ? entry.counter : undefined;
    },
  };
}
