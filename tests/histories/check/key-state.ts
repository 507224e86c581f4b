import type { Content } from "./operation.js";

/** What lies at a key, expired or not. */
export interface Item {
  readonly content: Content;
  /** The etag, or the id of the unknown write that made it, as long as nobody has seen its etag. */
  readonly etag: string | number;
  readonly expireAt: number | undefined;
}

/** A key between two operations. */
export interface KeyState {
  readonly item: Item | undefined;
  /** The etags that were found to be those of unknown writes: none is given out twice. */
  readonly found: ReadonlySet<string>;
  /** Equal for states from which the same can follow. */
  readonly text: string;
}

export const emptyState: KeyState = createState(undefined, new Set());

export function withItem(state: KeyState, item: Item | undefined): KeyState {
  return createState(item, state.found);
}

/**
 * The state, given that its item has this etag: the same state when that was known, one with the etag in it when it was
 * not, undefined when it has another. `returned` are the etags that writes have returned, which are theirs alone.
 */
export function withEtag(state: KeyState, etag: string, returned: ReadonlySet<string>): KeyState | undefined {
  const { item, found } = state;
  if (item === undefined) {
    return undefined;
  }
  if (typeof item.etag === "string") {
    return item.etag === etag ? state : undefined;
  }
  if (returned.has(etag) || found.has(etag)) {
    return undefined;
  }
  return createState({ ...item, etag }, new Set([...found, etag]));
}

function createState(item: Item | undefined, found: ReadonlySet<string>): KeyState {
  const text = `${item === undefined ? "" : itemText(item)}|${[...found].sort().join()}`;
  return { item, found, text };
}

function itemText({ content, etag, expireAt }: Item): string {
  const held = content.kind === "value" ? `=${content.value}` : `+${content.count}`;
  // Which unknown write it was makes no difference to what may follow.
  return `${held} ${typeof etag === "number" ? "?" : etag} ${expireAt ?? ""}`;
}
