import type { Entry } from "@dynakv/client/web";
import { useEffect, useState } from "preact/hooks";
import { DeleteDialog } from "../change/delete-dialog.js";
import { EditDialog } from "../change/edit-dialog.js";
import { ExpiryDialog } from "../change/expiry-dialog.js";
import { IncrementDialog } from "../change/increment-dialog.js";
import { isReadOnly, target } from "../connection/session.js";
import { besideList, linkTo, navigate, type Route } from "../routing/route.js";
import { CopyButton } from "../ui/copy-button.js";
import { FailureNote } from "../ui/failure-note.js";
import { Icon } from "../ui/icon.js";
import { useNow } from "../ui/now.js";
import { useShortcuts } from "../ui/shortcuts.js";
import { VisibleText } from "../ui/visible-text.js";
import { readCeleryKey } from "../values/celery-key.js";
import { CopyAs } from "../values/copy-as.js";
import { counted } from "../values/sizes.js";
import { getSnippets } from "../values/snippets.js";
import { toText } from "../values/text.js";
import { localTime } from "../values/times.js";
import { ValueView } from "../values/value-view.js";
import { EntryFacts } from "./entry-facts.js";
import { type SeenChange, useEntry } from "./use-entry.js";

export interface EntryViewProps {
  readonly entryKey: string;
  readonly route: Route;
  readonly onNew: (key: string) => void;
}

type Opened = "edit" | "expiry" | "delete" | "increment" | undefined;

/** What a key holds, and all that can be done with it. */
export function EntryView({ entryKey, route, onNew }: EntryViewProps) {
  const [isWatched, setIsWatched] = useState(false);
  const { shown, seen, read } = useEntry(entryKey, isWatched);
  const [opened, setOpened] = useState<Opened>();
  const now = useNow();
  const { entry, state, failure } = shown;
  const hasExpired = state === "found" && entry?.expireTime !== undefined && entry.expireTime.getTime() <= now;
  const present = state === "found" && !hasExpired ? entry : undefined;
  const close = () => navigate(besideList(undefined));
  const mayChange = !isReadOnly && present !== undefined;
  useShortcuts({
    Escape: close,
    r: read,
    w: () => setIsWatched(!isWatched),
    e: mayChange ? () => setOpened("edit") : undefined,
    x: mayChange ? () => setOpened("expiry") : undefined,
    d: mayChange ? () => setOpened("delete") : undefined,
    i: mayChange && present.kind === "counter" ? () => setOpened("increment") : undefined,
  });
  // The server is asked, since it is its clock that counts.
  useEffect(() => {
    if (hasExpired) {
      read();
    }
  }, [hasExpired]);

  return (
    <section class="pane entry" aria-label="Entry">
      <header class="entry-head">
        <button
          type="button"
          class="icon-button"
          aria-label="Back to the list"
          title="Back to the list (Esc)"
          onClick={close}
        >
          <Icon name="back" />
        </button>
        <h2 class="entry-key mono" tabIndex={0}>
          <VisibleText text={entryKey} />
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Read again"
          title="Read again (r)"
          aria-busy={shown.isReading}
          onClick={read}
        >
          <Icon name="refresh" />
        </button>
        <CopyButton text={entryKey} label="Copy the key" />
        <CopyButton
          text={() => new URL(linkTo({ view: "keys", key: entryKey, form: route.form }), location.href).href}
          label="Copy a link to this entry"
          icon="link"
        />
      </header>
      <div class="toolbar" role="toolbar" aria-label="Entry">
        {mayChange && (
          <>
            {present.kind === "counter" && (
              <button
                type="button"
                class="button small primary"
                title="Add to it (i)"
                onClick={() => setOpened("increment")}
              >
                <Icon name="plus" /> Add
              </button>
            )}
            <button type="button" class="button small" title="Change it (e)" onClick={() => setOpened("edit")}>
              <Icon name="edit" /> Change
            </button>
            <button
              type="button"
              class="button small"
              title="Change when it expires (x)"
              onClick={() => setOpened("expiry")}
            >
              <Icon name="clock" /> Expiry
            </button>
            <button type="button" class="button small" title="Delete it (d)" onClick={() => setOpened("delete")}>
              <Icon name="trash" /> Delete
            </button>
          </>
        )}
        <span class="spacer" />
        {present !== undefined && present.kind === "value" && <CopyValue value={present.value} />}
        <button
          type="button"
          class="button small"
          title="Ask again and again whether it has changed (w)"
          aria-pressed={isWatched}
          onClick={() => setIsWatched(!isWatched)}
        >
          <Icon name="eye" /> Watch
        </button>
        <CopyAs snippets={() => getSnippets(target(), entryKey)} what="this read" />
      </div>
      {state === "loading" && <Skeleton />}
      {failure !== undefined && <FailureNote failure={failure} onRetry={read} />}
      {(state === "absent" || hasExpired) && (
        <Absent hadEntry={entry} onNew={isReadOnly ? undefined : () => onNew(entryKey)} />
      )}
      {entry !== undefined && <EntryFacts entry={entry} now={now} />}
      {isWatched && <Watch seen={seen} />}
      {entry !== undefined && <Data entry={entry} route={route} />}
      {present !== undefined && opened === "edit" && (
        <EditDialog entry={present} initialKey={entryKey} onClose={() => setOpened(undefined)} />
      )}
      {present !== undefined && opened === "expiry" && (
        <ExpiryDialog entry={present} onClose={() => setOpened(undefined)} />
      )}
      {present !== undefined && opened === "delete" && (
        <DeleteDialog entry={present} onClose={() => setOpened(undefined)} />
      )}
      {present !== undefined && opened === "increment" && (
        <IncrementDialog counterKey={entryKey} onClose={() => setOpened(undefined)} />
      )}
    </section>
  );
}

function Data({ entry, route }: { readonly entry: Entry; readonly route: Route }) {
  if (entry.kind === "counter") {
    const celeryKey = readCeleryKey(entry.key);
    return (
      <div class="counter-value">
        <output>{entry.counter.toLocaleString("en-GB")}</output>
        {celeryKey?.kind === "chord" && (
          <p class="quiet">
            Tasks of the chord that have ended.{" "}
            <a href={linkTo(besideList(celeryKey.sibling("group", celeryKey.id)))}>Its group</a>
          </p>
        )}
      </div>
    );
  }
  return (
    <ValueView entry={entry} form={route.form} onForm={(form) => navigate({ ...route, form }, { replace: true })} />
  );
}

function CopyValue({ value }: { readonly value: Uint8Array }) {
  const text = toText(value);
  return text === undefined ? null : <CopyButton text={text} label="Copy the value" words="Copy value" />;
}

function Absent({
  hadEntry,
  onNew,
}: {
  readonly hadEntry: Entry | undefined;
  readonly onNew: (() => void) | undefined;
}) {
  return (
    <div class="note" role="status" data-state="absent">
      <Icon name="alert" />
      <div>
        <p class="note-title">{hadEntry === undefined ? "The key holds nothing" : "It was deleted, or has expired"}</p>
        {hadEntry !== undefined && <p>What you see below is what it held when it was read last.</p>}
        {onNew !== undefined && (
          <div class="note-actions">
            <button type="button" class="button small" onClick={onNew}>
              <Icon name="plus" /> Store an entry
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

/** The server has no call that tells of changes: it is asked again and again for the etag. */
function Watch({ seen }: { readonly seen: readonly SeenChange[] }) {
  return (
    <div class="watch" role="status">
      <p>
        Watching: its etag is asked for every 1.5 s while you look, a read each time.
        {seen.length === 0 && " No change so far."}
      </p>
      {seen.length > 0 && (
        <details open>
          <summary>{counted(seen.length, "change")} seen</summary>
          <ol class="seen">
            {seen.map(({ at, what }) => (
              <li key={at}>
                {localTime(new Date(at))}: {what}
              </li>
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">Reading the entry</span>
      <span />
      <span />
      <span />
    </div>
  );
}
