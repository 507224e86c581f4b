import {
  busyCosts,
  type CallCost,
  limits,
  loneCosts,
  memory,
  perKilobyte,
  prices,
  sdkCosts,
  sdkPerKilobyte,
} from "./figures.js";

/** A load on all replicas together. */
export interface ScaleInput {
  /** Calls, and keys of MGets, a second. */
  readonly gets: number;
  readonly sets: number;
  readonly incrs: number;
  readonly mgetKeys: number;
  readonly valueBytes: number;
  /** Whether reads are strong: they take twice the units. */
  readonly strong: boolean;
  /** The parts of all Gets and of all Incrs that are about one key. */
  readonly hotGets: number;
  readonly hotIncrs: number;
  /** How many processes call, and how many calls each has in flight. */
  readonly callers: number;
  readonly inFlight: number;
  /** What an answer of DynamoDB's takes, in milliseconds. */
  readonly latencyMs: number;
  /** The cores of a replica, and how much of them it may use. */
  readonly cores: number;
  readonly utilization: number;
}

export const defaultInput: ScaleInput = {
  gets: 0,
  sets: 0,
  incrs: 0,
  mgetKeys: 0,
  valueBytes: 1000,
  strong: false,
  hotGets: 0,
  hotIncrs: 0,
  callers: 100,
  inFlight: 64,
  latencyMs: 4,
  cores: 2,
  utilization: 0.6,
};

export interface ScaleResult {
  readonly serverCores: number;
  readonly replicas: number;
  readonly callerCores: number;
  /** Units a second. */
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Requests a second for the hottest key and counter, and how many its partition takes. */
  readonly hotReads: number;
  readonly hotWrites: number;
  readonly dollarsPerMonth: number;
  readonly replicaBytes: number;
  readonly sdk: {
    readonly callerCores: number;
    readonly readUnits: number;
    readonly writeUnits: number;
    readonly dollarsPerMonth: number;
  };
  /** What cannot be served as it is asked for. */
  readonly warnings: readonly string[];
}

const secondsPerMonth = 30.4 * 86_400;

/** How many replicas, cores, units and dollars a load takes, and the same load by the SDK in each caller. */
export function scale(input: ScaleInput): ScaleResult {
  const { gets, sets, incrs, mgetKeys, cores, utilization } = input;
  const costs = [
    [gets * (1 - input.hotGets), callCost("get", input)],
    [gets * input.hotGets, withValue(busyCosts.hotGet, 0)],
    [sets, callCost("set", input)],
    [incrs * (1 - input.hotIncrs), callCost("incr", input)],
    [incrs * input.hotIncrs, busyCosts.hotIncr],
    [mgetKeys, withValue(busyCosts.mgetKey, input.valueBytes)],
  ] as const;
  const sum = (side: keyof CallCost) => costs.reduce((total, [rate, cost]) => total + rate * cost[side], 0) / 1e6;
  const serverCores = sum("server");
  const replicas = Math.max(1, Math.ceil(serverCores / (cores * utilization)));
  const hotReads = combinedRate((gets * input.hotGets) / replicas, input.latencyMs) * replicas;
  const hotWrites = combinedRate((incrs * input.hotIncrs) / replicas, input.latencyMs) * replicas;
  const readUnit = readUnitsOf(input);
  const writeUnit = Math.max(1, Math.ceil(input.valueBytes / 1024));
  const readUnits = (gets * (1 - input.hotGets) + mgetKeys + hotReads) * readUnit;
  // A counter's item is about 1 KB with its memory, which makes it two units now and then.
  const writeUnits = sets * writeUnit + (incrs * (1 - input.hotIncrs) + hotWrites) * counterUnits;
  const sdkReads = (gets + mgetKeys) * readUnit;
  const sdkWrites = sets * writeUnit + incrs;
  return {
    serverCores,
    replicas,
    callerCores: sum("caller"),
    readUnits,
    writeUnits,
    hotReads,
    hotWrites,
    dollarsPerMonth: dollars(readUnits, writeUnits),
    replicaBytes:
      memory.idle +
      (input.callers * memory.connection) / replicas +
      Math.min(200, (mgetKeys / replicas) * 1e-4) * memory.stream,
    sdk: {
      callerCores: sdkCores(input),
      readUnits: sdkReads,
      writeUnits: sdkWrites,
      dollarsPerMonth: dollars(sdkReads, sdkWrites),
    },
    warnings: warningsOf(input, {
      hotReads: hotReads * readUnit,
      hotWrites: hotWrites * counterUnits,
      readUnits,
      writeUnits,
    }),
  };
}

const counterUnits = 1.2;

/**
 * What a call costs when so many of one client are in flight: between one at a time, which nothing is shared by, and 64, from where on
 * little changes.
 */
export function callCost(kind: "get" | "set" | "incr", { inFlight, valueBytes }: ScaleInput): CallCost {
  const part = Math.min(1, Math.log2(Math.max(1, inFlight)) / 6);
  const between = (side: keyof CallCost) => loneCosts[kind][side] ** (1 - part) * busyCosts[kind][side] ** part;
  const cost = { server: between("server"), caller: between("caller") };
  return kind === "incr" ? cost : withValue(cost, valueBytes);
}

function withValue(cost: CallCost, valueBytes: number): CallCost {
  const more = Math.max(0, valueBytes / 1000 - 1);
  return { server: cost.server + more * perKilobyte.server, caller: cost.caller + more * perKilobyte.caller };
}

/**
 * How often a replica asks for one key, or writes one counter, that it is called for so often: the next request begins when the one
 * before has ended and a call has come.
 */
export function combinedRate(callsPerSecond: number, latencyMs: number): number {
  return callsPerSecond === 0 ? 0 : 1 / (latencyMs / 1000 + 1 / callsPerSecond);
}

function readUnitsOf({ valueBytes, strong }: ScaleInput): number {
  return Math.max(1, Math.ceil((valueBytes + 100) / 4096)) * (strong ? 1 : 0.5);
}

function sdkCores({ gets, sets, incrs, mgetKeys, valueBytes }: ScaleInput): number {
  const more = Math.max(0, valueBytes / 1000 - 1) * sdkPerKilobyte;
  return (
    (gets * (sdkCosts.get + more) +
      sets * (sdkCosts.set + more) +
      incrs * sdkCosts.incr +
      mgetKeys * (sdkCosts.mgetKey + more)) /
    1e6
  );
}

function dollars(readUnits: number, writeUnits: number): number {
  return ((readUnits * prices.reads + writeUnits * prices.writes) / 1e6) * secondsPerMonth;
}

function warningsOf(
  input: ScaleInput,
  {
    hotReads,
    hotWrites,
    readUnits,
    writeUnits,
  }: { hotReads: number; hotWrites: number; readUnits: number; writeUnits: number },
): string[] {
  const warnings: string[] = [];
  if (hotReads > limits.partitionReads) {
    warnings.push(
      `the hot key takes ${Math.round(hotReads)} read units a second, and a partition has ${limits.partitionReads}`,
    );
  }
  if (hotWrites > limits.partitionWrites) {
    warnings.push(
      `the hot counter takes ${Math.round(hotWrites)} write units a second, and a partition has ${limits.partitionWrites}`,
    );
  }
  for (const [units, kind] of [
    [readUnits, "read"],
    [writeUnits, "write"],
  ] as const) {
    if (units > limits.tableUnits) {
      warnings.push(
        `${Math.round(units)} ${kind} units a second: a table has ${limits.tableUnits} unless more is asked for`,
      );
    }
  }
  if (input.valueBytes > limits.itemBytes - 3000) {
    warnings.push(`values of ${input.valueBytes} bytes do not fit into an item of ${limits.itemBytes}`);
  }
  return warnings;
}
