import { createHash } from "node:crypto";
import { type Slot, slotName } from "./dedup-state.js";
import { bytesOf, idBytes, type RequestId, timeOf } from "./request-id.js";

/**
 * Prefix of archive keys, which callers cannot use: a key that begins so is refused, whatever follows.
 */
export const archivePrefix = "__dynakv_archive__/";

/** Returns true if a key is that of an archive item, or could be. */
export function isArchiveKey(key: string): boolean {
  return key.startsWith(archivePrefix);
}

/**
 * An archive item holds ids of one counter whose sequences are alike but for their last bits: so many as these, from the
 * coarsest item to the finest. In time that is 35 minutes, 4 minutes, 33 s, 4 s, 0.5 s, 64 ms, 8 ms, 1 ms, and a 64th of it.
 */
const shifts = [33n, 30n, 27n, 24n, 21n, 18n, 15n, 12n, 6n];
export const coarsest = 0;
export const finest = shifts.length - 1;

/** So many ids make an item full: 10 KB. Further ones go to finer items. */
const fullAt = 400;
/** So many can be in an item of the finest kind, for which there is no finer: 300 KB. */
const fullAtFinest = 12_000;

/** An item of the archive. */
export interface ArchiveItem {
  readonly key: string;
  /** The epoch second from which it can go: two windows after any id that it may ever hold. */
  readonly expireAt: number;
  /** Capacity in ids. */
  readonly fullAt: number;
}

/** The archive item for ids of a counter with this sequence, at a level from {@link coarsest} to {@link finest}. */
export function archiveItem(counterKey: string, sequence: bigint, level: number, windowMs: number): ArchiveItem {
  const shift = shifts[level] ?? 0n;
  const bucket = sequence >> shift;
  const hash = createHash("sha256").update(`${shift}/${bucket}/`).update(counterKey);
  const youngestMs = timeOf(((bucket + 1n) << shift) - 1n);
  return {
    key: archivePrefix + hash.digest("base64url"),
    expireAt: Math.ceil((youngestMs + 2 * windowMs) / 1000),
    fullAt: level === finest ? fullAtFinest : fullAt,
  };
}

/** All items that may hold an id. */
export function archiveItemsOf(counterKey: string, { sequence }: RequestId, windowMs: number): ArchiveItem[] {
  return shifts.map((_, level) => archiveItem(counterKey, sequence, level, windowMs));
}

/** The finest level at which all of these lie in one item; the coarsest when there is none. */
export function commonLevel(slots: readonly Slot[]): number {
  const [first] = slots;
  for (let level = finest; first !== undefined && level > coarsest; level--) {
    const shift = shifts[level] ?? 0n;
    if (slots.every(({ sequence }) => sequence >> shift === first.sequence >> shift)) {
      return level;
    }
  }
  return coarsest;
}

/** The slots by the item that takes them at a level. */
export function slotsByItem(
  counterKey: string,
  slots: readonly Slot[],
  level: number,
  windowMs: number,
): [ArchiveItem, Slot[]][] {
  const items = new Map<string, [ArchiveItem, Slot[]]>();
  for (const slot of slots) {
    const item = archiveItem(counterKey, slot.sequence, level, windowMs);
    const known = items.get(item.key);
    if (known === undefined) {
      items.set(item.key, [item, [slot]]);
    } else {
      known[1].push(slot);
    }
  }
  return [...items.values()];
}

/** A slot as it lies in an archive item: the bytes of the id, and eight of the result. */
export function toArchived({ name, result }: Slot): Uint8Array {
  const bytes = Buffer.alloc(idBytes + 8);
  bytes.write(name, "base64url");
  bytes.writeBigInt64BE(result, idBytes);
  return bytes;
}

/** The results of those ids that are among what an archive item holds, by the names of their slots. */
export function findAmong(archived: readonly Uint8Array[], ids: readonly RequestId[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const wanted = new Map(ids.map((id) => [bytesOf(id).toString("latin1"), slotName(id)]));
  for (const each of archived) {
    const bytes = Buffer.from(each.buffer, each.byteOffset, each.byteLength);
    const name = wanted.get(bytes.toString("latin1", 0, idBytes));
    if (name !== undefined && bytes.length === idBytes + 8) {
      found.set(name, bytes.readBigInt64BE(idBytes));
    }
  }
  return found;
}
