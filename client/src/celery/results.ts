import { Code } from "@connectrpc/connect";
import { json } from "../codecs.js";
import type { Entry } from "../entry.js";
import { DynakvError } from "../errors.js";

interface TaskFacts {
  readonly taskId: string;
  /** When the task ended; undefined while it has not. */
  readonly dateDone: Date | undefined;
  /** The ids of the tasks that it has started. */
  readonly children: readonly string[];
  readonly groupId: string | undefined;
  readonly parentId: string | undefined;
  /** What Celery stores only with `result_extended`; undefined without. */
  readonly extended: ExtendedFacts | undefined;
  readonly etag: string;
}

/** What Celery stores with `result_extended`. */
export interface ExtendedFacts {
  readonly name: string | undefined;
  readonly args: unknown;
  readonly kwargs: unknown;
  readonly worker: string | undefined;
  readonly queue: string | undefined;
  readonly retries: number | undefined;
}

/** A task that has ended well. */
export interface TaskSuccess<T> extends TaskFacts {
  readonly status: "SUCCESS";
  readonly result: T;
}

/** A task that has failed, was revoked, or waits to be tried again. */
export interface TaskFailure extends TaskFacts {
  readonly status: "FAILURE" | "REVOKED" | "RETRY" | "REJECTED" | "IGNORED";
  readonly error: TaskError;
}

/** The exception of a task. */
export interface TaskError {
  /** The class, such as `ValueError`, and the module where it is defined. */
  readonly type: string;
  readonly module: string | undefined;
  /** What it says: its arguments, as they are in JSON. */
  readonly message: readonly unknown[];
  readonly traceback: string | undefined;
}

/** A task in another state: `STARTED`, or one of the application's own, with what it has stored of it. */
export interface TaskProgress extends TaskFacts {
  readonly status: "PENDING" | "RECEIVED" | "STARTED" | (string & {});
  readonly progress: unknown;
}

/** What is stored of a task. `isSuccess` and `isFailure` tell which it is. */
export type TaskResult<T = unknown> = TaskSuccess<T> | TaskFailure | TaskProgress;

export function isSuccess<T>(task: TaskResult<T>): task is TaskSuccess<T> {
  return task.status === "SUCCESS";
}

export function isFailure<T>(task: TaskResult<T>): task is TaskFailure {
  return failures.has(task.status);
}

const failures: ReadonlySet<string> = new Set(["FAILURE", "REVOKED", "RETRY", "REJECTED", "IGNORED"]);
/** The states after which nothing more comes (celery.states.READY_STATES). */
const ready: ReadonlySet<string> = new Set(["SUCCESS", "FAILURE", "REVOKED", "REJECTED", "IGNORED"]);

export function hasEnded({ status }: TaskResult): boolean {
  return ready.has(status);
}

/** A saved group: its id, and the ids of its tasks in their order. */
export interface GroupResult {
  readonly groupId: string;
  readonly taskIds: readonly string[];
}

type Meta = Record<string, unknown>;

/** What an entry holds, as the JSON object that Celery writes. Throws UNDECODABLE for another serializer's. */
export async function decodeMeta(entry: Entry): Promise<Meta> {
  if (entry.kind === "value") {
    const meta = await Promise.resolve(json<unknown>().decode(entry.value)).catch(() => undefined);
    if (isObject(meta)) {
      return meta;
    }
  }
  throw undecodable("a JSON object, as Celery writes it with result_serializer 'json'");
}

export function toTaskResult(id: string, etag: string, meta: Meta): TaskResult {
  const status = text(meta.status);
  if (status === undefined) {
    throw undecodable("the result of a task: it has no status");
  }
  const dateDone = text(meta.date_done);
  const facts: TaskFacts = {
    taskId: id,
    // Celery writes UTC without saying so.
    dateDone:
      dateDone === undefined ? undefined : new Date(/(Z|[+-]\d\d:?\d\d)$/.test(dateDone) ? dateDone : `${dateDone}Z`),
    children: idsOf(meta.children),
    groupId: text(meta.group_id),
    parentId: text(meta.parent_id),
    extended: "name" in meta || "args" in meta ? extendedFacts(meta) : undefined,
    etag,
  };
  if (status === "SUCCESS") {
    return { ...facts, status, result: meta.result };
  }
  if (failures.has(status)) {
    return { ...facts, status: status as TaskFailure["status"], error: toError(meta) };
  }
  return { ...facts, status, progress: meta.result };
}

function extendedFacts(meta: Meta): ExtendedFacts {
  return {
    name: text(meta.name),
    args: meta.args,
    kwargs: meta.kwargs,
    worker: text(meta.worker),
    queue: text(meta.queue),
    retries: typeof meta.retries === "number" ? meta.retries : undefined,
  };
}

function toError({ result, traceback }: Meta): TaskError {
  const { exc_type: type, exc_message: message, exc_module: module } = isObject(result) ? result : ({} as Meta);
  return {
    type: text(type) ?? "Exception",
    module: text(module),
    message: Array.isArray(message) ? message : [message ?? result],
    traceback: text(traceback),
  };
}

export function toGroupResult(meta: Meta): GroupResult {
  const [self, tasks] = Array.isArray(meta.result) ? meta.result : [];
  const groupId = text(Array.isArray(self) ? self[0] : self);
  if (groupId === undefined) {
    throw undecodable("a group");
  }
  return { groupId, taskIds: idsOf(tasks) };
}

/** The ids in Celery's tuples: a task is `[[id, parent], null]`, a group in it `[[id, parent], tasks]`. */
function idsOf(results: unknown): string[] {
  return (Array.isArray(results) ? results : []).flatMap((each: unknown) => {
    const [self, tasks] = Array.isArray(each) ? each : [each];
    const id = text(Array.isArray(self) ? self[0] : self);
    return Array.isArray(tasks) ? idsOf(tasks) : id === undefined ? [] : [id];
  });
}

function isObject(value: unknown): value is Meta {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function undecodable(what: string, cause?: unknown): DynakvError {
  return new DynakvError(`the key does not hold ${what}`, { reason: "UNDECODABLE", code: Code.DataLoss, cause });
}
