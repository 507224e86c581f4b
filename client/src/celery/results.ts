import { instantOf } from "./instants.js";
import { isObject, type Meta, undecodable } from "./payload.js";
import { type ResultNode, resultNodeOf, taskIdsIn } from "./result-tree.js";

interface TaskFacts {
  readonly taskId: string;
  /** End of the task, to the millisecond; undefined before, and where the stored value cannot be read. */
  readonly dateDone: Date | undefined;
  /** The ids of the tasks that it has started, also of those in groups. */
  readonly children: readonly string[];
  /** The same in their shape: what it has started, task or group. */
  readonly childResults: readonly ResultNode[];
  readonly groupId: string | undefined;
  readonly parentId: string | undefined;
  /** Facts stored with `result_extended`; undefined without. */
  readonly extended: ExtendedFacts | undefined;
  readonly etag: string;
}

/** Facts stored with `result_extended`. */
export interface ExtendedFacts {
  readonly name: string | undefined;
  readonly args: unknown;
  readonly kwargs: unknown;
  readonly worker: string | undefined;
  readonly queue: string | undefined;
  readonly retries: number | undefined;
  /** The names of the stamps; empty without. */
  readonly stampedHeaders: readonly string[];
  /** The stamps, by their names: for each what Celery has stored, which mostly is a list. */
  readonly stamps: Readonly<Record<string, unknown>>;
}

/**
 * A task that has ended well. Of its result, a whole number beyond ±(2^53 − 1) is a bigint, `NaN` and the infinities are
 * numbers, and kombu's types are {@link PythonDateTime} and its like, `Uint8Array` and `Set`.
 */
export interface TaskSuccess<T> extends TaskFacts {
  readonly status: "SUCCESS";
  readonly result: T;
}

/** A task that has failed, was revoked, or waits to be tried again. */
export interface TaskFailure extends TaskFacts {
  readonly status: "FAILURE" | "REVOKED" | "RETRY";
  readonly error: TaskError;
}

/** The exception of a task. */
export interface TaskError {
  /** The class, such as `ValueError`, and the module where it is defined. */
  readonly type: string;
  readonly module: string | undefined;
  /** The exception's arguments, of the types that results have. Python's `repr` of those that JSON cannot hold. */
  readonly message: readonly unknown[];
  readonly traceback: string | undefined;
}

/** A task in another state: `STARTED`, `REJECTED`, `IGNORED`, or one of the application's own, with what it has stored of it. */
export interface TaskProgress extends TaskFacts {
  readonly status: "PENDING" | "RECEIVED" | "STARTED" | "REJECTED" | "IGNORED" | (string & {});
  readonly progress: unknown;
}

/** Stored state of a task. `isSuccess` and `isFailure` tell which it is. */
export type TaskResult<T = unknown> = TaskSuccess<T> | TaskFailure | TaskProgress;

export function isSuccess<T>(task: TaskResult<T>): task is TaskSuccess<T> {
  return task.status === "SUCCESS";
}

export function isFailure<T>(task: TaskResult<T>): task is TaskFailure {
  return failures.has(task.status);
}

/** celery.states.EXCEPTION_STATES. */
const failures: ReadonlySet<string> = new Set(["FAILURE", "REVOKED", "RETRY"]);
/** celery.states.READY_STATES. */
const ready: ReadonlySet<string> = new Set(["SUCCESS", "FAILURE", "REVOKED"]);

/** Returns true if nothing more comes of a task: it is SUCCESS, FAILURE or REVOKED. */
export function hasEnded({ status }: TaskResult): boolean {
  return ready.has(status);
}

/** A saved group. */
export interface GroupResult {
  readonly groupId: string;
  /** The ids of its tasks in their order, also of those in groups within it. */
  readonly taskIds: readonly string[];
  /** Its members in their order and shape: tasks, and groups with members of their own. */
  readonly results: readonly ResultNode[];
  /** Predecessor of the group in its chain; undefined for the first. */
  readonly parent: ResultNode | undefined;
}

export function toTaskResult(id: string, etag: string, meta: Meta): TaskResult {
  const status = text(meta.status);
  if (status === undefined) {
    throw undecodable("the result of a task: it has no status");
  }
  const childResults = childrenOf(meta.children);
  const facts: TaskFacts = {
    taskId: id,
    dateDone: dateOf(meta.date_done),
    children: taskIdsIn(childResults),
    childResults,
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

/** Celery's `isoformat`, in UTC where it does not say so. */
function dateOf(value: unknown): Date | undefined {
  const instant = instantOf(text(value) ?? "");
  return instant && new Date(instant.ms);
}

/** Unreadable children must not hide the result. */
function childrenOf(tuples: unknown): ResultNode[] {
  return (Array.isArray(tuples) ? tuples : []).map(resultNodeOf).filter((node) => node !== undefined);
}

function extendedFacts(meta: Meta): ExtendedFacts {
  const names = Array.isArray(meta.stamped_headers) ? meta.stamped_headers : [];
  const stampedHeaders = names.filter((name) => typeof name === "string");
  return {
    name: text(meta.name),
    args: meta.args,
    kwargs: meta.kwargs,
    worker: text(meta.worker),
    queue: text(meta.queue),
    retries: typeof meta.retries === "number" ? meta.retries : undefined,
    stampedHeaders,
    // Celery stores each beside the other fields, under its name.
    stamps: Object.fromEntries(
      stampedHeaders.filter((name) => Object.hasOwn(meta, name)).map((name) => [name, meta[name]]),
    ),
  };
}

function toError({ result, traceback }: Meta): TaskError {
  const exception = exceptionOf(result);
  const { exc_type: type, exc_message: message = result, exc_module: module } = exception;
  return {
    type: text(type) ?? "Exception",
    module: text(module),
    message: Array.isArray(message) ? message : message === null ? [] : [message],
    traceback: text(traceback),
  };
}

/** Parses Celery's form of an exception: an object, or what Python's `dict` makes one of, a list of pairs. */
function exceptionOf(result: unknown): Meta {
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string";
  const object = Array.isArray(result) && result.every(isPair) ? Object.fromEntries(result) : result;
  return isObject(object) && Object.hasOwn(object, "exc_type") ? object : {};
}

export function toGroupResult(meta: Meta): GroupResult {
  const node = resultNodeOf(meta.result);
  if (node?.kind !== "group") {
    throw undecodable("a group");
  }
  return { groupId: node.id, taskIds: taskIdsIn(node.results), results: node.results, parent: node.parent };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
