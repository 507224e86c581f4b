import { toFailure } from "../connection/failure.js";
import { createStore, type Store } from "../store.js";

/** What was done, and how to take it back. It stays until it is put away: nobody has to be quick. */
export interface Notice {
  readonly id: number;
  readonly what: string;
  readonly key: string;
  readonly state: "done" | "undoing" | "undone" | "not undone";
  /** Why it could not be undone. */
  readonly why?: string;
  readonly undo: (() => Promise<void>) | undefined;
}

const maxNotices = 3;
let lastId = 0;

/** The newest first. */
export const notices: Store<readonly Notice[]> = createStore([]);

export function sayDone(what: string, key: string, undo: (() => Promise<void>) | undefined): void {
  const notice: Notice = { id: ++lastId, what, key, state: "done", undo };
  notices.set([notice, ...notices.current].slice(0, maxNotices));
}

export function putAway(id: number): void {
  notices.set(notices.current.filter((notice) => notice.id !== id));
}

export async function undo({ id, undo }: Notice): Promise<void> {
  change(id, { state: "undoing" });
  try {
    await undo?.();
    change(id, { state: "undone" });
  } catch (error) {
    const { message } = toFailure(error);
    change(id, { state: "not undone", why: message });
  }
}

function change(id: number, changes: Partial<Notice>): void {
  notices.set(notices.current.map((notice) => (notice.id === id ? { ...notice, ...changes } : notice)));
}
