import type { Entry, Expiry } from "@dynakv/client/web";
import { useState } from "preact/hooks";
import { localTime } from "../values/times.js";
import { ChangeDialog } from "./change-dialog.js";
import { changeExpiry } from "./changes.js";
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
    <ChangeDialog
      title="Change the expiry"
      entryKey={entry.key}
      change={change}
      isReady={expiry !== undefined}
      onSubmit={() => store(entry.etag)}
      onClose={onClose}
      onConflict={{
        replace: "Change the expiry of theirs",
        goOn: (etag) => etag !== undefined && store(etag),
        takeTheirs: onClose,
      }}
      submit="Change"
    >
      <p>
        {entry.expireTime === undefined ? "It never expires now." : `It expires ${localTime(entry.expireTime)} now.`}{" "}
        The value and the write time stay.
      </p>
      <ExpiryField draft={draft} onChange={setDraft} mayKeep={false} />
    </ChangeDialog>
  );
}
