import type { ComponentChildren } from "preact";
import { Dialog } from "../ui/dialog.js";
import { FailureNote } from "../ui/failure-note.js";
import { VisibleText } from "../ui/visible-text.js";
import { ConflictNote } from "./conflict-note.js";
import type { Change } from "./use-change.js";

export interface ChangeDialogProps {
  readonly title: string;
  /** The key that is changed; undefined where it is asked for. */
  readonly entryKey: string | undefined;
  readonly change: Change;
  /** True if what was asked for is there. */
  readonly isReady?: boolean;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  /** What the person decides where somebody else was faster; undefined where that is no matter. */
  readonly onConflict?: {
    /** What it would mean to go on: with what is there now, and where nothing is left. */
    readonly replace: string;
    readonly storeAnew?: string;
    readonly goOn: (etag: string | undefined) => void;
    readonly takeTheirs: () => void;
  };
  readonly submit: ComponentChildren;
  readonly isDangerous?: boolean;
  readonly isWide?: boolean;
  /** What stands beside the buttons. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A form that changes an entry, with what became of the change. */
export function ChangeDialog(props: ChangeDialogProps) {
  const { title, entryKey, change, isReady = true, onSubmit, onClose, onConflict, isDangerous = false } = props;
  const { conflict, failure, isBusy } = change;
  return (
    <Dialog title={title} isWide={props.isWide === true} onClose={onClose}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) {
            onSubmit();
          }
        }}
      >
        {entryKey !== undefined && (
          <p class="dialog-key mono">
            <VisibleText text={entryKey} />
          </p>
        )}
        {props.children}
        {failure !== undefined && <FailureNote failure={failure} />}
        {conflict !== undefined && onConflict !== undefined && (
          <ConflictNote
            conflict={conflict}
            action={conflict.theirs === undefined ? onConflict.storeAnew : onConflict.replace}
            onGoOn={onConflict.goOn}
            onTakeTheirs={onConflict.takeTheirs}
          />
        )}
        <div class="dialog-actions">
          {props.aside}
          <span class="spacer" />
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button ${isDangerous ? "danger" : "primary"}`}
            disabled={!isReady || isBusy || conflict !== undefined}
            autofocus={isDangerous}
          >
            {props.submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
