import type { Entry } from "@dynakv/client/web";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../ui/icon.js";
import { VisibleText } from "../ui/visible-text.js";
import { bytesExactly } from "../values/sizes.js";
import { toText } from "../values/text.js";
import { localTime } from "../values/times.js";
import type { Conflict } from "./use-change.js";

export interface ConflictNoteProps {
  readonly conflict: Conflict;
  /** What it would mean to go on, such as `Replace theirs`. Undefined when there is nothing to go on with. */
  readonly action: string | undefined;
  /** Makes the change with the etag of what is there now. */
  readonly onGoOn: (etag: string | undefined) => void;
  readonly onTakeTheirs: () => void;
}

/** Somebody else was faster: nothing was changed, and the person decides. */
export function ConflictNote({ conflict: { theirs }, action, onGoOn, onTakeTheirs }: ConflictNoteProps) {
  const note = useRef<HTMLDivElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    note.current?.scrollIntoView({ block: "nearest" });
    // Who presses Enter once more overwrites nothing.
    safe.current?.focus();
  }, [theirs]);
  return (
    <div ref={note} class="note warning conflict" role="alert">
      <Icon name="alert" />
      <div>
        <p class="note-title">
          {theirs === undefined
            ? "It was deleted, or has expired, meanwhile"
            : "Somebody else has changed it meanwhile"}
        </p>
        <p>Nothing of yours was stored.</p>
        {theirs !== undefined && (
          <>
            <p class="quiet">
              There is now {describe(theirs)}
              {theirs.writeTime !== undefined && `, written ${localTime(theirs.writeTime)}`}:
            </p>
            <pre class="snippet theirs">
              <VisibleText text={preview(theirs)} keepLines />
            </pre>
          </>
        )}
        <div class="note-actions">
          {action !== undefined && (
            <button type="button" class="button small danger" onClick={() => onGoOn(theirs?.etag)}>
              {action}
            </button>
          )}
          <button ref={safe} type="button" class="button small" onClick={onTakeTheirs}>
            {theirs === undefined ? "Leave it so" : "Leave theirs"}
          </button>
        </div>
      </div>
    </div>
  );
}

function describe(entry: Entry): string {
  return entry.kind === "counter" ? "a counter" : `a value of ${bytesExactly(entry.value.length)}`;
}

const previewLength = 400;

function preview(entry: Entry): string {
  if (entry.kind === "counter") {
    return entry.counter.toString();
  }
  const text = toText(entry.value);
  if (text === undefined) {
    return "(bytes that are no text)";
  }
  return text.length <= previewLength ? text : `${text.slice(0, previewLength)}…`;
}
