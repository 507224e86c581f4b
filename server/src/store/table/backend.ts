import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "../../errors/dynakv-error.js";
import { classifyError, isAboutRights } from "../dynamodb/aws-errors.js";
import type { StoreContext } from "../store-context.js";
import { type Reaper, startReaper } from "./reaper.js";
import { describeReplicas } from "./replicas.js";
import { describeTable, identityOf, prepareTable, type TableSetupOptions } from "./table-setup.js";
import { prepareTtl, type TtlState } from "./ttl-setup.js";

/** Log of the backend. */
export interface BackendLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface BackendOptions {
  readonly context: StoreContext;
  readonly setup: Pick<TableSetupOptions, "createTable" | "readCapacity" | "writeCapacity" | "waitMs">;
  /** Wanted state of the table's TTL; undefined leaves it alone. */
  readonly ttl: "enabled" | "disabled" | undefined;
  /** True if the engine is the embedded one: it never removes expired items, and nobody but this server can. */
  readonly embedded: boolean;
  readonly log: BackendLog;
  /** Called when DynamoDB becomes reachable, and when it ceases to be. */
  readonly onServing: (serving: boolean) => void;
}

/** Keeps the table ready: set-up, the watch over whether DynamoDB answers, and the reaping where the engine has none. */
export interface Backend {
  /**
   * Sets the table up. Resolves also when DynamoDB does not answer yet: the set-up then goes on by itself, and calls fail
   * with UNAVAILABLE meanwhile. Rejects with a SetupError that needs the operator.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly autoExpiry: boolean;
}

const probeIntervalMs = 1000;
const probeTimeoutMs = 2000;
/** So many probes in a row must fail: one alone may have met a busy moment. */
const failuresUntilDown = 2;
/** Every so many probes it is looked whether the table is still the one that was set up. */
const probesPerLook = 10;
const firstSetupPauseMs = 250;
const longestSetupPauseMs = 5000;

export function createBackend(options: BackendOptions): Backend {
  const { context, log } = options;
  const { tables, dynamodb, layout } = context;
  const stopped = new AbortController();
  let ttlState: TtlState = "unknown";
  let serving = false;
  let failures = 0;
  /** Of the table that was set up last. */
  let identity: string | undefined;
  let reaper: Reaper | undefined;
  let reapsExpired = false;
  let watching: Promise<void> | undefined;

  async function setUp(): Promise<void> {
    const { signal } = stopped;
    const { names } = layout;
    const { description, isNew } = await prepareTable({ tables, names, signal, ...options.setup });
    if (isNew) {
      log.info({ table: names.table }, "table was missing; created");
    }
    const warn = (message: string) => log.warn({}, message);
    const replicas = describeReplicas(description);
    if (replicas?.limits !== undefined) {
      warn(`table '${names.table}' has ${replicas.found}: ${replicas.limits}`);
    }
    ttlState = await prepareTtl({ tables, names, signal, wanted: options.ttl, warn });
    const reaps = options.embedded ? options.ttl !== "disabled" : options.ttl === "enabled";
    reapsExpired = reaps && (options.embedded || ttlState === "unsupported");
    if (reapsExpired) {
      reaper ??= startReaper(context, "expired", warnOf("reaping expired items failed"));
    } else if (ttlState !== "on") {
      reaper ??= startReaper(context, "leftovers", warnOf("reaping tombstones of deleted counters failed"));
    }
    identity = identityOf(description);
    failures = 0;
    setServing(true);
  }

  const warnOf = (message: string) => (error: unknown) => log.warn({ error: errorName(error) }, message);

  function setServing(now: boolean, error?: unknown): void {
    if (now === serving) {
      return;
    }
    serving = now;
    if (now) {
      log.info({ table: layout.names.table }, "DynamoDB is reachable");
    } else {
      log.warn({ table: layout.names.table, error: errorName(error) }, "DynamoDB is unreachable");
    }
    options.onServing(now);
  }

  async function setUpUntilDone(): Promise<void> {
    for (let pauseMs = firstSetupPauseMs; ; pauseMs = Math.min(longestSetupPauseMs, pauseMs * 2)) {
      await sleep(pauseMs, undefined, { signal: stopped.signal });
      if (await trySetUp()) {
        return;
      }
    }
  }

  async function trySetUp(): Promise<boolean> {
    try {
      await setUp();
      return true;
    } catch (error) {
      stopped.signal.throwIfAborted();
      log.warn({}, error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** Returns true if another table has come in the place of the one that was set up, without its TTL. */
  async function isReplaced(): Promise<boolean> {
    try {
      const table = await describeTable({ tables, names: layout.names, signal: stopped.signal });
      return table !== undefined && identityOf(table) !== identity;
    } catch {
      // A table that cannot be described now was once; what the calls need of it is probed.
      stopped.signal.throwIfAborted();
      return false;
    }
  }

  // A read of a key that is never written: it takes the path that the calls take, and needs no right that they do not.
  // Resolves to whether DynamoDB says that the table is missing, or of another shape than it was.
  async function probe(): Promise<boolean> {
    let isOfTable = false;
    const input = {
      TableName: layout.names.table,
      Key: layout.key("dynakv:probe"),
    };
    // Not by AbortSignal.any: in Node 20 each use of it leaves something on a signal that lives as long as the server.
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, probeTimeoutMs);
    stopped.signal.addEventListener("abort", abort);
    try {
      await dynamodb.getItem(input, controller.signal);
      failures = 0;
    } catch (error) {
      stopped.signal.throwIfAborted();
      const { kind } = classifyError(error);
      // A policy may leave this key out, by dynamodb:LeadingKeys: then the answer tells as much.
      const isAnswer = kind === "throttled" || (kind === "denied" && isAboutRights(error));
      isOfTable = kind === "table-missing" || kind === "invalid";
      failures = isAnswer ? 0 : failures + 1;
      if (failures >= failuresUntilDown) {
        setServing(false, error);
      }
    } finally {
      clearTimeout(timer);
      stopped.signal.removeEventListener("abort", abort);
    }
    if (failures === 0) {
      setServing(true);
    }
    return isOfTable && failures >= failuresUntilDown;
  }

  async function watch(isSetUp: boolean): Promise<void> {
    try {
      if (!isSetUp) {
        await setUpUntilDone();
      }
      for (let probes = 1; ; probes++) {
        await sleep(probeIntervalMs, undefined, { signal: stopped.signal });
        if (await probe()) {
          log.warn({ table: layout.names.table }, "table missing or replaced; running table setup again");
          await setUpUntilDone();
        } else if (serving && probes % probesPerLook === 0 && (await isReplaced())) {
          log.warn({ table: layout.names.table }, "table replaced; running table setup again");
          await trySetUp();
        }
      }
    } catch (error) {
      if (!stopped.signal.aborted) {
        throw error;
      }
    }
  }

  return {
    async start() {
      let isSetUp = true;
      try {
        await setUp();
      } catch (error) {
        if (!(error instanceof SetupError && error.transient)) {
          throw error;
        }
        isSetUp = false;
        log.warn({}, `${error.message}; calls fail with UNAVAILABLE until it does; retrying table setup`);
      }
      watching = watch(isSetUp);
    },
    async stop() {
      stopped.abort();
      await Promise.all([watching, reaper?.stop()]);
    },
    get autoExpiry() {
      return ttlState === "on" || reapsExpired;
    },
  };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
