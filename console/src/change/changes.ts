import { DynakvError, type Entry, type Expiry } from "@dynakv/client/web";
import { client } from "../connection/session.js";
import { currentScan } from "../find/scan.js";
import { createStore, type Store } from "../store.js";
import { sayDone } from "./notices.js";

/** What is to be stored. */
export type NewData =
  | { readonly kind: "value"; readonly value: Uint8Array }
  | { readonly kind: "counter"; readonly counter: bigint };

/** Counts up with each change, with its key, so that whoever shows the entry reads it again. */
export const lastChange: Store<{ readonly key: string } | undefined> = createStore(undefined);

/** On which etag a change depends; undefined for a key that has to hold nothing. */
type SeenEtag = string | undefined;

/** Stores what is given if the key still holds what was seen. */
export async function setEntry(key: string, data: NewData, expiry: Expiry | undefined, seen: SeenEtag): Promise<void> {
  const condition = conditionOf(seen);
  const options = { ...condition, ...(expiry === undefined ? {} : { expiry }) };
  if (data.kind === "value") {
    const { etag, previous } = await client.current.swap(key, data.value, options);
    sayStored(key, etag, previous);
  } else {
    const previous = seen === undefined ? undefined : await client.current.get(key, { consistency: "strong" });
    const { etag } = await client.current.setCounter(key, data.counter, options);
    // What was read is what was replaced, if it has the etag that the write has found.
    sayStored(key, etag, previous?.etag === seen ? previous : undefined);
  }
  noteChange(key);
}

function sayStored(key: string, etag: string, previous: Entry | undefined): void {
  if (previous === undefined) {
    sayDone("Stored", key, async () => {
      await client.current.delete(key, { ifEtag: etag });
      noteChange(key);
    });
  } else {
    sayDone("Replaced", key, () => restore(previous, { ifEtag: etag }));
  }
}

/** Removes an entry if it is still the one that was seen. */
export async function deleteEntry(key: string, seen: string): Promise<void> {
  const taken = await client.current.take(key, { ifEtag: seen });
  sayDone("Deleted", key, taken === undefined ? undefined : () => restore(taken, { ifAbsent: true }));
  noteChange(key);
}

/** Changes when an entry expires if it is still the one that was seen. */
export async function changeExpiry(
  key: string,
  expiry: Exclude<Expiry, "keep">,
  seen: string,
  expiresNow: Date | undefined,
): Promise<void> {
  const touched = await client.current.touchDetailed(key, expiry, { ifEtag: seen });
  if (touched === undefined) {
    throw new Error("There is no entry any more: it was deleted, or has expired.");
  }
  sayDone("Changed the expiry of", key, async () => {
    await client.current.touch(key, expiresNow ?? "never", { ifEtag: touched.etag });
    noteChange(key);
  });
  noteChange(key);
}

/** Adds to a counter. What others add meanwhile counts as well, so that no condition is needed, and undoing it is to subtract. */
export async function increment(
  key: string,
  delta: bigint,
  bounds: { readonly min?: bigint; readonly max?: bigint },
): Promise<void> {
  const { value } = await client.current.incrDetailed(key, { delta, ...bounds });
  const shown = delta < 0n ? `${delta}` : `+${delta}`;
  sayDone(`${shown} makes ${value} of`, key, async () => {
    await client.current.incr(key, { delta: -delta });
    noteChange(key);
  });
  noteChange(key);
}

async function restore(entry: Entry, condition: { ifEtag: string } | { ifAbsent: true }): Promise<void> {
  const expiry = entry.expireTime ?? "never";
  if (entry.kind === "value") {
    await client.current.set(entry.key, entry.value, { ...condition, expiry });
  } else {
    await client.current.setCounter(entry.key, entry.counter, { ...condition, expiry });
  }
  noteChange(entry.key);
}

function conditionOf(seen: SeenEtag): { ifAbsent: true } | { ifEtag: string } {
  return seen === undefined ? { ifAbsent: true } : { ifEtag: seen };
}

/** Whoever shows the entry reads it again, and so does the list for its row. */
function noteChange(key: string): void {
  lastChange.set({ key });
  client.current.getMetadata(key, { consistency: "strong" }).then(
    (entry) => currentScan.current?.note(key, entry),
    // The list shows what it has found; the entry itself says what has failed.
    () => {},
  );
}

const conflicts: ReadonlySet<string> = new Set(["ETAG_MISMATCH", "ALREADY_EXISTS", "NOT_PRESENT"]);

/** Returns true if a change was refused since somebody else has changed the key meanwhile. */
export function isConflict(error: unknown): error is DynakvError {
  return error instanceof DynakvError && conflicts.has(error.reason);
}
