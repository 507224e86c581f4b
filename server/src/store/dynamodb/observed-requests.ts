import { type BackendFailure, classifyError } from "./aws-errors.js";
import type { DataPlane } from "./data-plane.js";
import { type Initiators, initiatorsOf } from "./initiators.js";

/** The operations that calls are made of. */
export const operations = ["GetItem", "BatchGetItem", "Scan", "PutItem", "UpdateItem", "DeleteItem"] as const;
export type Operation = (typeof operations)[number];
/** Those that consume read capacity; the others consume write capacity. */
export const readOperations: ReadonlySet<Operation> = new Set(["GetItem", "BatchGetItem", "Scan"]);

/** A request to DynamoDB, as it is sent. */
export interface SentRequest {
  readonly operation: Operation;
  readonly table: string;
  readonly keys: number;
  /** Undefined when none of those for whom it is made wants to know. */
  readonly initiators: Initiators | undefined;
}

export interface RequestEnd {
  readonly ms: number;
  /** The capacity units that it took. DynamoDB does not tell those of a request that it refused. */
  readonly units: number;
  /** UnprocessedKeys of BatchGetItem. */
  readonly unprocessed: number;
  readonly failure: BackendFailure | undefined;
}

/** Is told of requests as they are sent, and by what it returns of their ends. */
export type RequestObserver = (request: SentRequest) => ((end: RequestEnd) => void) | undefined;

export interface RequestObservers {
  /** Are told of every request. */
  readonly all: readonly RequestObserver[];
  /** Are told of those alone that have initiators. */
  readonly initiated: readonly RequestObserver[];
}

/** The observed fields of inputs and outputs. */
interface AnyInput {
  TableName?: string | undefined;
  RequestItems?: Record<string, { Keys?: unknown[] | undefined }> | undefined;
}
interface AnyOutput {
  ConsumedCapacity?: Consumed | Consumed[] | undefined;
  UnprocessedKeys?: Record<string, { Keys?: unknown[] | undefined }> | undefined;
}
interface Consumed {
  CapacityUnits?: number | undefined;
}

type Send<Input, Output, Rest extends unknown[]> = (
  input: Input,
  signal: AbortSignal,
  ...rest: Rest
) => Promise<Output>;

/**
 * A data plane whose requests are observed. DynamoDB is asked what a request consumes only when there is somebody to be told: its
 * answer is longer by some sixty bytes then.
 */
export function observeRequests(plane: DataPlane, { all, initiated }: RequestObservers): DataPlane {
  const everyone = [...all, ...initiated];

  function observed<Input extends AnyInput, Output extends AnyOutput, Rest extends unknown[]>(
    operation: Operation,
    send: Send<Input, Output, Rest>,
  ): Send<Input, Output, Rest> {
    return (input, signal, ...rest) => {
      const initiators = initiatorsOf(signal);
      const observers = initiators === undefined ? all : everyone;
      if (observers.length === 0) {
        return send(input, signal, ...rest);
      }
      const request = { operation, ...describeInput(input), initiators };
      const ends: ((end: RequestEnd) => void)[] = [];
      for (const observer of observers) {
        const end = observer(request);
        if (end !== undefined) {
          ends.push(end);
        }
      }
      const startedAt = performance.now();
      const tell = (output: AnyOutput | undefined, failure: BackendFailure | undefined) => {
        const ms = performance.now() - startedAt;
        const end = { ms, units: unitsOf(output), unprocessed: countKeys(output?.UnprocessedKeys), failure };
        for (const each of ends) {
          each(end);
        }
      };
      return send({ ...input, ReturnConsumedCapacity: "TOTAL" }, signal, ...rest).then(
        (output) => {
          tell(output, undefined);
          return output;
        },
        (error: unknown) => {
          noteOperation(error, operation);
          tell(undefined, classifyError(error));
          throw error;
        },
      );
    };
  }

  return {
    getItem: observed("GetItem", plane.getItem),
    batchGetItem: observed("BatchGetItem", plane.batchGetItem),
    batchGetColumns: observed("BatchGetItem", plane.batchGetColumns),
    scan: observed("Scan", plane.scan),
    putItem: observed("PutItem", plane.putItem),
    updateItem: observed("UpdateItem", plane.updateItem),
    deleteItem: observed("DeleteItem", plane.deleteItem),
  };
}

function describeInput({ TableName, RequestItems }: AnyInput): { table: string; keys: number } {
  if (RequestItems === undefined) {
    return { table: TableName ?? "", keys: 1 };
  }
  const [table = ""] = Object.keys(RequestItems);
  return { table, keys: countKeys(RequestItems) };
}

function countKeys(tables: AnyInput["RequestItems"]): number {
  let keys = 0;
  for (const table in tables) {
    keys += tables[table]?.Keys?.length ?? 0;
  }
  return keys;
}

function unitsOf(output: AnyOutput | undefined): number {
  const consumed = output?.ConsumedCapacity;
  if (consumed === undefined) {
    return 0;
  }
  const units = Array.isArray(consumed)
    ? consumed.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0)
    : consumed.CapacityUnits;
  // Whatever an engine sends, sums stay numbers.
  return typeof units === "number" && Number.isFinite(units) ? units : 0;
}

const operationsOfErrors = new WeakMap<object, Operation>();

function noteOperation(error: unknown, operation: Operation): void {
  if (typeof error === "object" && error !== null) {
    operationsOfErrors.set(error, operation);
  }
}

/** Which operation failed with an error; undefined when it was not observed. */
export function operationOf(error: unknown): Operation | undefined {
  return typeof error === "object" && error !== null ? operationsOfErrors.get(error) : undefined;
}
