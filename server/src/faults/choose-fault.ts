import { createHash } from "node:crypto";
import { checkFault, type Fault, type FaultName, nameOfFault } from "./fault.js";

/** One request on its way to the engine. */
export interface ProxiedRequest {
  /** The operation, such as `UpdateItem`; empty if the request names none. */
  readonly operation: string;
  /** Which request of its operation this is, counted from 1. */
  readonly n: number;
  /** The body as it came. */
  readonly bytes: Buffer;
  /** The body as an object; empty if it is not one. Parsed when it is first asked for. */
  readonly body: Record<string, unknown>;
}

/**
 * Chooses the fault of a request; undefined leaves it to the rates. A promise holds the request until it resolves. If it
 * throws, the client gets an HTTP 400 named FaultProxyError with the message of what was thrown.
 */
export type Decide = (request: ProxiedRequest) => Fault | undefined | Promise<Fault | undefined>;

/** Probability of a fault for some operations. */
export interface FaultRate {
  readonly fault: Fault;
  /** The probability, 0 to 1. The rates that bear on one operation must not add up to more than 1. */
  readonly rate: number;
  /** The operations, such as `UpdateItem`; the default is all. */
  readonly operations?: readonly string[];
}

/** One request that was not just forwarded. */
export interface FaultLogEntry {
  readonly operation: string;
  /** Which request of its operation it was, counted from 1. */
  readonly n: number;
  readonly fault: FaultName;
  /** The name of the error that an `answer` or `replace-answer` sent, such as `InternalServerError`. */
  readonly error?: string;
}

const maxLogEntries = 10_000;

/** The choice between faults: what comes first is failNext, then decide, then the rates. */
export interface FaultChooser {
  readonly requests: Map<string, number>;
  readonly log: FaultLogEntry[];
  setRates(rates: readonly FaultRate[]): void;
  failNext(operation: string, times: number, fault: Fault): void;
  /** Counts a request, and chooses its fault. */
  choose(operation: string, bytes: Buffer, decide: Decide | undefined): Promise<Fault>;
  reset(): void;
}

export function createFaultChooser(seed: number, initialRates: readonly FaultRate[]): FaultChooser {
  const requests = new Map<string, number>();
  const log: FaultLogEntry[] = [];
  const next = new Map<string, { left: number; fault: Fault }>();
  let rates: readonly FaultRate[] = [];

  function setRates(wanted: readonly FaultRate[]): void {
    checkRates(wanted);
    rates = [...wanted];
  }

  function takeNext(operation: string): Fault | undefined {
    const entry = next.get(operation);
    if (entry === undefined || entry.left === 0) {
      return undefined;
    }
    entry.left--;
    return entry.fault;
  }

  function draw(operation: string, n: number): Fault {
    let left = drawNumber(seed, operation, n);
    for (const { fault, rate, operations } of rates) {
      if (operations === undefined || operations.includes(operation)) {
        if (left < rate) {
          return fault;
        }
        left -= rate;
      }
    }
    return "forward";
  }

  function record(operation: string, n: number, fault: Fault): void {
    const error = errorOf(fault);
    log.push({ operation, n, fault: nameOfFault(fault), ...(error === undefined ? {} : { error }) });
    if (log.length > maxLogEntries) {
      log.shift();
    }
  }

  setRates(initialRates);
  return {
    requests,
    log,
    setRates,
    failNext(operation, times, fault) {
      if (!(Number.isSafeInteger(times) && times >= 0)) {
        throw new RangeError(`times is ${times}, which is not a whole number from 0`);
      }
      checkFault(fault);
      next.set(operation, { left: times, fault });
    },
    async choose(operation, bytes, decide) {
      const n = (requests.get(operation) ?? 0) + 1;
      requests.set(operation, n);
      const planned = takeNext(operation);
      const fault = planned ?? (await decide?.(createRequest(operation, n, bytes))) ?? draw(operation, n);
      checkFault(fault);
      if (fault === "forward" || (nameOfFault(fault) === "unprocessed" && !/^Batch(Get|Write)Item$/.test(operation))) {
        return "forward";
      }
      record(operation, n, fault);
      return fault;
    },
    reset() {
      requests.clear();
      log.length = 0;
      next.clear();
      rates = [];
    },
  };
}

function createRequest(operation: string, n: number, bytes: Buffer): ProxiedRequest {
  let parsed: Record<string, unknown> | undefined;
  return {
    operation,
    n,
    bytes,
    get body() {
      parsed ??= parseObject(bytes);
      return parsed;
    },
  };
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function errorOf(fault: Fault): string | undefined {
  if (typeof fault === "object" && (fault.kind === "answer" || fault.kind === "replace-answer")) {
    const { __type: type } = Object(fault.body) as { __type?: unknown };
    return typeof type === "string" ? type.split("#").pop() : undefined;
  }
  return undefined;
}

/**
 * A number from 0 up to, not including, 1, that depends on nothing else: one stream of random numbers for all operations
 * would give each request another number whenever requests overtake each other.
 */
function drawNumber(seed: number, operation: string, n: number): number {
  const hash = createHash("sha256").update(`${seed} ${operation} ${n}`).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

function checkRates(rates: readonly FaultRate[]): void {
  const named = new Set(rates.flatMap(({ operations }) => operations ?? []));
  for (const { fault, rate } of rates) {
    checkFault(fault);
    if (!(rate >= 0 && rate <= 1)) {
      throw new RangeError(`the rate of ${nameOfFault(fault)} is ${rate}, which is not from 0 to 1`);
    }
  }
  for (const operation of [...named, undefined]) {
    const sum = rates
      .filter(({ operations }) => operations === undefined || operations.some((each) => each === operation))
      .reduce((total, { rate }) => total + rate, 0);
    // Ten times 0.1 is a little less or more than 1.
    if (sum > 1 + 1e-9) {
      throw new RangeError(`the rates of ${operation ?? "all operations"} add up to ${sum}, which is more than 1`);
    }
  }
}
