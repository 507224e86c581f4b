import type { Entry } from "@dynakv/client/web";
import { Dialog } from "../ui/dialog.js";
import { FailureNote } from "../ui/failure-note.js";
import { VisibleText } from "../ui/visible-text.js";
import { deleteEntry } from "./changes.js";
import { ConflictNote } from "./conflict-note.js";
import { useChange } from "./use-change.js";

export function DeleteDialog({ entry, onClose }: { readonly entry: Entry; readonly onClose: () => void }) {
  const change = useChange(() => entry.key, onClose);
  const remove = (etag: string) => void change.run(() => deleteEntry(entry.key, etag));
  return (
    <Dialog title="Delete the entry" onClose={onClose}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          remove(entry.etag);
        }}
      >
        <p class="dialog-key mono">
          <VisibleText text={entry.key} />
        </p>
        <p>
          It is removed only if it is still the one that you see.{" "}
          {entry.kind === "counter"
            ? "Undo sets the counter again; the members that it has counted are forgotten."
            : "Undo stores it again."}
        </p>
        {change.failure !== undefined && <FailureNote failure={change.failure} />}
        {change.conflict !== undefined && (
          <ConflictNote
            conflict={change.conflict}
            action={change.conflict.theirs === undefined ? undefined : "Delete theirs"}
            onGoOn={(etag) => etag !== undefined && remove(etag)}
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
            class="button danger"
            disabled={change.isBusy || change.conflict !== undefined}
            autofocus
          >
            Delete
          </button>
        </div>
      </form>
    </Dialog>
  );
}
