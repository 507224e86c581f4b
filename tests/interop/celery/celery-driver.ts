import { join } from "node:path";
import { root } from "../../../tools/root.js";
import { environmentWithoutBackend } from "../../engines/engines.js";
import type { Json } from "../json.js";
import { startJsonProgram } from "../json-program.js";

export const celeryFolder = join(root, "tests/interop/celery");

/** A caller of Celery's: it sends tasks, and reads results through Celery's backend. */
export interface CeleryDriver {
  createTable(): Promise<void>;
  runTask(task: string, ...args: Json[]): Promise<{ id: string; key: string }>;
  /** Runs a task for each of the lists of arguments, and saves the group. */
  runGroup(task: string, argsOfEach: Json[][]): Promise<{ id: string; key: string; keys: string[] }>;
  /** Runs a chord whose header is of tasks with their arguments and queues. `key` is that of the callback's result. */
  runChord(header: HeaderTask[], body: string): Promise<RunningChord>;
  /** What AsyncResult says of a task. */
  readResult(id: string): Promise<{ status: string; result: Json }>;
  /** The results of a group that is restored from the table. */
  readGroup(id: string): Promise<Json>;
  /** Stores what a worker would, and returns its key. Celery never writes over a SUCCESS. */
  storeResult(id: string, value: Json, status: "STARTED" | "SUCCESS", compression?: "gzip" | null): Promise<string>;
  forget(id: string): Promise<void>;
  /** Increments the counter of a chord, as each of its tasks does, and returns the count. */
  increment(id: string): Promise<number>;
  stop(): Promise<void>;
}

export type HeaderTask = [task: string, args: Json[], queue: string];

export interface RunningChord {
  readonly key: string;
  readonly counter: string;
  /** The tasks of the header, and the keys of their results. */
  readonly ids: readonly string[];
  readonly keys: readonly string[];
}

/** The environment of Celery's processes: where its results go, and the folder that is its broker. */
export function celeryEnvironment(backend: string, folder: string): NodeJS.ProcessEnv {
  return {
    ...environmentWithoutBackend(),
    AWS_EC2_METADATA_DISABLED: "true",
    PYTHONDONTWRITEBYTECODE: "1",
    INTEROP_BACKEND: backend,
    INTEROP_FOLDER: folder,
  };
}

/** Starts a caller. It connects to the table, and makes it if need be, when it is first asked for something. */
export function startCeleryDriver(python: string, environment: NodeJS.ProcessEnv): CeleryDriver {
  const { ask, stop } = startJsonProgram(python, [join(celeryFolder, "celery_driver.py")], environment);
  return {
    createTable: async () => void (await ask({ do: "create_table" })),
    runTask: async (task, ...args) => (await ask({ do: "run_task", task, args })) as never,
    runGroup: async (task, argsOfEach) => (await ask({ do: "run_group", task, args_of_each: argsOfEach })) as never,
    runChord: async (header, body) => (await ask({ do: "run_chord", header, body })) as never,
    readResult: async (id) => (await ask({ do: "read_result", id })) as never,
    readGroup: (id) => ask({ do: "read_group", id }),
    storeResult: async (id, value, status, compression = null) =>
      (await ask({ do: "store_result", id, value, status, compression })) as string,
    forget: async (id) => void (await ask({ do: "forget", id })),
    increment: async (id) => (await ask({ do: "increment", id })) as number,
    stop,
  };
}
