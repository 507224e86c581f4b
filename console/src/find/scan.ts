import type { EntryMetadata, ScanPage } from "@dynakv/client/web";
import { type Failure, toFailure } from "../connection/failure.js";
import { client } from "../connection/session.js";
import { createStore, type Store } from "../store.js";

/** A key that a scan has found, with what is known without its value. */
export interface FoundKey {
  readonly key: string;
  /** `unreadable` for an item of another program. */
  readonly kind: "value" | "counter" | "unreadable";
  readonly bytes: number;
  /** Milliseconds since the epoch; undefined when the table does not have it. */
  readonly writtenAt: number | undefined;
  /** Undefined when it never expires. */
  readonly expiresAt: number | undefined;
}

/** How far a scan has come. */
export interface ScanProgress {
  readonly state: "running" | "paused" | "done" | "stopped" | "failed";
  readonly found: readonly FoundKey[];
  /** Bytes of the keys and values that were found. */
  readonly bytes: number;
  /** Time that it has run, without pauses. */
  readonly ms: number;
  /** The read capacity units that it took, which DynamoDB tells at its end. */
  readonly units: number | undefined;
  readonly failure: Failure | undefined;
  /** True if it has paused by itself, since so many keys were found. */
  readonly isPausedByItself: boolean;
}

export interface Scan {
  readonly prefix: string;
  readonly progress: Store<ScanProgress>;
  pause(): void;
  resume(): void;
  stop(): void;
  /** Takes over what has become of a key; undefined when it holds nothing any more. */
  note(key: string, entry: EntryMetadata | undefined): void;
}

/** Found keys after which a scan waits to be told to go on: it costs, and they are in memory. */
const keysBetweenPauses = 100_000;
/** More would be higher than browsers let a page be. */
export const maxFoundKeys = 500_000;
const publishMs = 120;

/** The scan of now; what it has found stays while other things are looked at. */
export const currentScan: Store<Scan | undefined> = createStore(undefined);

/** Begins to read the keys with a prefix, in place of the scan of before. */
export function startScan(prefix: string): Scan {
  currentScan.current?.stop();
  const scan = createScan(prefix);
  currentScan.set(scan);
  return scan;
}

function createScan(prefix: string): Scan {
  const leaving = new AbortController();
  const found: FoundKey[] = [];
  let bytes = 0;
  let units: number | undefined;
  let state: ScanProgress["state"] = "running";
  let failure: Failure | undefined;
  let ranMs = 0;
  let runningSince = performance.now();
  let isPausedByItself = false;
  let goOn: (() => void) | undefined;
  let publishing: ReturnType<typeof setTimeout> | undefined;

  const snapshot = (): ScanProgress => {
    const ms = ranMs + (state === "running" ? performance.now() - runningSince : 0);
    return { state, found: found.slice(), bytes, ms, units, failure, isPausedByItself };
  };
  const progress = createStore(snapshot());

  function publish(): void {
    clearTimeout(publishing);
    publishing = undefined;
    progress.set(snapshot());
  }

  function publishSoon(): void {
    publishing ??= setTimeout(publish, publishMs);
  }

  function change(to: ScanProgress["state"]): void {
    if (state === "running") {
      ranMs += performance.now() - runningSince;
    }
    if (to === "running") {
      runningSince = performance.now();
    }
    state = to;
    publish();
  }

  function take({ results }: ScanPage<EntryMetadata>): void {
    for (const result of results) {
      const { key, error } = result;
      const entry = error === undefined ? result.entry : undefined;
      bytes += key.length + (entry?.valueBytes ?? 0);
      found.push(toFoundKey(key, entry));
    }
  }

  async function run(): Promise<void> {
    let pauseAt = keysBetweenPauses;
    const pages = client.current
      .scanKeys({
        prefix,
        signal: leaving.signal,
        headers: { "x-dynakv-return-consumed-capacity": "total" },
        onTrailer(trailers) {
          const told = trailers.get("x-dynakv-consumed-read-units");
          units = told === null ? units : (units ?? 0) + Number(told);
        },
      })
      .pages();
    for await (const page of pages) {
      take(page);
      if (found.length >= maxFoundKeys) {
        change("stopped");
        return;
      }
      if (found.length >= pauseAt) {
        pauseAt = found.length + keysBetweenPauses;
        isPausedByItself = true;
        change("paused");
      }
      if (state === "paused") {
        // Who does not read on keeps the server from reading on.
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      if (leaving.signal.aborted) {
        return;
      }
      publishSoon();
    }
    change("done");
  }

  void run().catch((error: unknown) => {
    if (!leaving.signal.aborted) {
      failure = toFailure(error);
      change("failed");
    }
  });

  return {
    prefix,
    progress,
    pause() {
      if (state === "running") {
        isPausedByItself = false;
        change("paused");
      }
    },
    resume() {
      if (state === "paused") {
        change("running");
        goOn?.();
      }
    },
    stop() {
      if (state === "running" || state === "paused") {
        change("stopped");
        leaving.abort();
        goOn?.();
      }
    },
    note(key, entry) {
      if (!key.startsWith(prefix)) {
        return;
      }
      const index = found.findIndex((each) => each.key === key);
      if (entry === undefined) {
        if (index >= 0) {
          found.splice(index, 1);
        }
      } else {
        found.splice(index < 0 ? found.length : index, index < 0 ? 0 : 1, toFoundKey(key, entry));
      }
      publish();
    },
  };
}

function toFoundKey(key: string, entry: EntryMetadata | undefined): FoundKey {
  return {
    key,
    kind: entry?.kind ?? "unreadable",
    bytes: entry?.valueBytes ?? 0,
    writtenAt: entry?.writeTime?.getTime(),
    expiresAt: entry?.expireTime?.getTime(),
  };
}
