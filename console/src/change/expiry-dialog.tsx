import type { Entry, Expiry } from "@dynakv/client/web";
import { useState } from "preact/hooks";
import { Dialog } from "../ui/dialog.js";
import { FailureNote } from "../ui/failure-note.js";
import { VisibleText } from "../ui/visible-text.js";
import { localTime } from "../values/times.js";
import { changeExpiry } from "./changes.js";
import { ConflictNote } from "./conflict-note.js";
import { createExpiryDraft, ExpiryField, toExpiry } from "./expiry-field.js";
import { useChange } from "./use-change.js";

export function ExpiryDialog({ entry, onClose }: { readonly entry: Entry; readonly onClose: () => void }) {
  const [draft, setDraft] = useState(() => createExpiryDraft("after"));
  const change = useChange(() => entry.key, onClose);
  const expiry = toExpiry(draft);

  function store(etag: string) {
    if (expiry !== undefined) {
      void change.run(() => changeExpiry(entry.key, expiry as Exclude<Expiry, "keep">, etag, entry.expireTime));
    }
  }

  return (
    <Dialog title="Change the expiry" onClose={onClose}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          store(entry.etag);
        }}
      >
        <p class="dialog-key mono">
          <VisibleText text={entry.key} />
        </p>
        <p>
          {entry.expireTime === undefined ? "It never expires now." : `It expires ${localTime(entry.expireTime)} now.`}{" "}
          The value and the write time stay.
        </p>
        <ExpiryField draft={draft} onChange={setDraft} mayKeep={false} />
        {change.failure !== undefined && <FailureNote failure={change.failure} />}
        {change.conflict !== undefined && (
          <ConflictNote
            conflict={change.conflict}
            action={change.conflict.theirs === undefined ? undefined : "Change the expiry of theirs"}
            onGoOn={(etag) => etag !== undefined && store(etag)}
            onTakeTheirs={onClose}
          />
        )}
        <div class="dialog-actions">
          <span class="spacer" />
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class="button primary"
            disabled={expiry === undefined || change.isBusy || change.conflict !== undefined}
          >
            Change
          </button>
        </div>
      </form>
    </Dialog>
  );
}
