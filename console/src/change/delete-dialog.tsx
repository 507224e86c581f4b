import type { Entry } from "@dynakv/client/web";
import { ChangeDialog } from "./change-dialog.js";
import { deleteEntry } from "./changes.js";
import { useChange } from "./use-change.js";

export function DeleteDialog({ entry, onClose }: { readonly entry: Entry; readonly onClose: () => void }) {
  const change = useChange(() => entry.key, onClose);
  const remove = (etag: string) => void change.run(() => deleteEntry(entry.key, etag));
  return (
    <ChangeDialog
      title="Delete the entry"
      entryKey={entry.key}
      change={change}
      onSubmit={() => remove(entry.etag)}
      onClose={onClose}
      onConflict={{
        replace: "Delete theirs",
        goOn: (etag) => etag !== undefined && remove(etag),
        takeTheirs: onClose,
      }}
      submit="Delete"
      isDangerous
    >
      <p>
        It is removed only if it is still the one that you see.{" "}
        {entry.kind === "counter"
          ? "Undo sets the counter again; the members that it has counted are forgotten."
          : "Undo stores it again."}
      </p>
    </ChangeDialog>
  );
}
