import type { Entry } from "@dynakv/client/web";
import { useEffect, useRef, useState } from "preact/hooks";
import { lastChange } from "../change/changes.js";
import { type Failure, toFailure } from "../connection/failure.js";
import { client, clock } from "../connection/session.js";
import { currentScan } from "../find/scan.js";
import { useStore } from "../store.js";

/** What is known of the entry at a key. */
export interface Shown {
  readonly state: "loading" | "found" | "absent" | "failed";
  /** The entry that was read last. It stays in sight when it was deleted since, or cannot be read anew. */
  readonly entry: Entry | undefined;
  readonly failure: Failure | undefined;
  readonly isReading: boolean;
}

/** A change that was seen while the key was watched. */
export interface SeenChange {
  /** By the server's clock. */
  readonly at: number;
  readonly what: "changed" | "deleted or expired" | "stored";
}

const watchEveryMs = 1500;
const maxSeen = 20;

/** Reads the entry at a key, again whenever it is changed here, and while it is watched whenever it is changed elsewhere. */
export function useEntry(key: string, isWatched: boolean) {
  const connection = useStore(client);
  const change = useStore(lastChange);
  const [shown, setShown] = useState<Shown>({
    state: "loading",
    entry: undefined,
    failure: undefined,
    isReading: true,
  });
  const [seen, setSeen] = useState<readonly SeenChange[]>([]);
  const known = useRef<string | undefined>(undefined);
  const reading = useRef<AbortController | undefined>(undefined);

  async function read(): Promise<void> {
    reading.current?.abort();
    const leaving = new AbortController();
    reading.current = leaving;
    setShown((before) => ({ ...before, isReading: true }));
    try {
      const entry = await connection.get(key, { consistency: "strong", signal: leaving.signal });
      if (!leaving.signal.aborted) {
        known.current = entry?.etag;
        setShown((before) =>
          entry === undefined
            ? { state: "absent", entry: before.entry, failure: undefined, isReading: false }
            : { state: "found", entry, failure: undefined, isReading: false },
        );
      }
    } catch (error) {
      if (!leaving.signal.aborted) {
        const failure = toFailure(error);
        setShown((before) => ({ state: "failed", entry: before.entry, failure, isReading: false }));
      }
    }
  }

  useEffect(() => {
    void read();
    return () => reading.current?.abort();
  }, [key, connection]);

  useEffect(() => {
    if (change?.key === key) {
      void read();
    }
  }, [change]);

  useEffect(() => {
    if (!isWatched) {
      return;
    }
    const leaving = new AbortController();

    async function ask(): Promise<void> {
      const found = await connection.getMetadata(key, { consistency: "strong", signal: leaving.signal });
      if (found?.etag === known.current || leaving.signal.aborted || reading.current?.signal.aborted) {
        return;
      }
      const what = found === undefined ? "deleted or expired" : known.current === undefined ? "stored" : "changed";
      setSeen((before) => [{ at: clock.now(), what } as const, ...before].slice(0, maxSeen));
      known.current = found?.etag;
      currentScan.current?.note(key, found);
      await read();
    }

    async function watch(): Promise<void> {
      while (!leaving.signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, watchEveryMs));
        if (document.visibilityState === "visible" && !leaving.signal.aborted) {
          try {
            await ask();
          } catch (error) {
            if (!leaving.signal.aborted && toFailure(error).reason === "UNAUTHENTICATED") {
              return;
            }
          }
        }
      }
    }

    void watch();
    return () => leaving.abort();
  }, [key, connection, isWatched]);

  return { shown, seen, read: () => void read() };
}
