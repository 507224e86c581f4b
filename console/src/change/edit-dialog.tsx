import type { Entry, Expiry } from "@dynakv/client/web";
import { useMemo, useState } from "preact/hooks";
import { target } from "../connection/session.js";
import { besideList, navigate } from "../routing/route.js";
import { serverInfo } from "../status/info.js";
import { useStore } from "../store.js";
import { CopyAs } from "../values/copy-as.js";
import { bytesExactly } from "../values/sizes.js";
import { setSnippets } from "../values/snippets.js";
import { ChangeDialog } from "./change-dialog.js";
import { setEntry } from "./changes.js";
import { type DataDraft, type DataFormat, draftOf, formatJson, toData } from "./data-draft.js";
import { createExpiryDraft, ExpiryField, toExpiry } from "./expiry-field.js";
import { useChange } from "./use-change.js";

export interface EditDialogProps {
  /** The entry that is changed; undefined for a new one. */
  readonly entry: Entry | undefined;
  /** The key of a new one, as far as it is known. */
  readonly initialKey: string;
  readonly onClose: () => void;
}

const formats: readonly (readonly [DataFormat, string])[] = [
  ["text", "Text"],
  ["json", "JSON"],
  ["file", "File"],
  ["counter", "Counter"],
];

/** Stores a value or a counter, in place of what was seen there and of nothing else. */
export function EditDialog({ entry, initialKey, onClose }: EditDialogProps) {
  const [key, setKey] = useState(initialKey);
  const [draft, setDraft] = useState<DataDraft>(() => draftOf(entry));
  const [expiryDraft, setExpiryDraft] = useState(() =>
    createExpiryDraft(entry === undefined ? "server-default" : "keep"),
  );
  const data = useMemo(() => toData(draft), [draft]);
  const expiry = toExpiry(expiryDraft);
  const maxItemBytes = useStore(serverInfo)?.limits?.maxItemBytes ?? 409_600;
  const showAndClose = () => {
    navigate(besideList(key));
    onClose();
  };
  const change = useChange(() => key, showAndClose);
  const seen = entry?.etag;
  const size = "data" in data && data.data.kind === "value" ? data.data.value.length : undefined;
  const isReady = key !== "" && "data" in data && expiry !== undefined;

  function store(ifEtag: string | undefined) {
    if ("data" in data && expiry !== undefined) {
      const given = expiry === "server-default" ? undefined : expiry;
      void change.run(() => setEntry(key, data.data, given, ifEtag));
    }
  }

  return (
    <ChangeDialog
      title={entry === undefined ? "New entry" : "Change the entry"}
      entryKey={entry === undefined ? undefined : key}
      change={change}
      isReady={isReady}
      onSubmit={() => store(seen)}
      onClose={onClose}
      onConflict={{
        replace: "Replace theirs by mine",
        storeAnew: "Store mine all the same",
        goOn: store,
        takeTheirs: showAndClose,
      }}
      submit={change.isBusy ? "Storing…" : "Store"}
      isWide
      aside={
        "data" in data &&
        data.data.kind === "value" &&
        key !== "" && (
          <CopyAs
            what="this change"
            snippets={() =>
              setSnippets(target(), key, { ...settingOf(data.data), expiry: givenOf(expiry), ifEtag: seen })
            }
          />
        )
      }
    >
      {entry === undefined && (
        <label class="field">
          Key
          <input
            type="text"
            class="mono"
            value={key}
            required
            autofocus
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
      )}
      <fieldset class="segmented">
        <legend class="visually-hidden">Form of what is stored</legend>
        {formats.map(([format, title]) => (
          <label key={format}>
            <input
              type="radio"
              name="format"
              value={format}
              checked={draft.format === format}
              onChange={() => setDraft({ ...draft, format })}
            />
            <span>{title}</span>
          </label>
        ))}
      </fieldset>
      <DataField
        isFirst={entry !== undefined}
        draft={draft}
        onChange={setDraft}
        problem={"problem" in data ? data.problem : undefined}
      />
      <ExpiryField draft={expiryDraft} onChange={setExpiryDraft} mayKeep={entry !== undefined} />
      <p class="quiet">
        {size !== undefined && `${bytesExactly(size)} of the ${bytesExactly(maxItemBytes)} of an item. `}
        {entry === undefined
          ? "Stored only if the key holds nothing."
          : "Stored only if the entry is still the one that you see."}
      </p>
    </ChangeDialog>
  );
}

function settingOf(data: { readonly kind: string; readonly value?: Uint8Array }): { readonly value: Uint8Array } {
  return { value: data.value ?? new Uint8Array() };
}

function givenOf(expiry: Expiry | undefined): Expiry | undefined {
  return expiry === "server-default" ? undefined : expiry;
}

interface DataFieldProps {
  readonly draft: DataDraft;
  readonly onChange: (draft: DataDraft) => void;
  readonly problem: string | undefined;
  /** True if this is where one begins to type. */
  readonly isFirst: boolean;
}

function DataField({ draft, onChange, problem, isFirst }: DataFieldProps) {
  switch (draft.format) {
    case "text":
    case "json":
      return (
        <div class="field">
          <label>
            {draft.format === "json" ? "JSON" : "Text, which is stored as UTF-8"}
            <textarea
              class="mono"
              rows={8}
              autofocus={isFirst}
              spellcheck={false}
              value={draft.text}
              onInput={(event) => onChange({ ...draft, text: event.currentTarget.value })}
            />
          </label>
          {draft.note !== undefined && <p class="quiet">{draft.note}</p>}
          {problem !== undefined && (
            <p class="problem" role="status">
              {problem}
            </p>
          )}
          {draft.format === "json" && problem === undefined && draft.text !== "" && (
            <button
              type="button"
              class="button small"
              onClick={() => onChange({ ...draft, text: formatJson(draft.text) })}
            >
              Indent
            </button>
          )}
        </div>
      );
    case "file":
      return (
        <label class="field">
          A file, which is stored byte for byte
          <input
            type="file"
            onChange={async (event) => {
              const [file] = event.currentTarget.files ?? [];
              const bytes = file === undefined ? undefined : new Uint8Array(await file.arrayBuffer());
              onChange({ ...draft, file: bytes });
            }}
          />
        </label>
      );
    case "counter":
      return (
        <div class="field">
          <label>
            A whole number of 64 bits
            <input
              type="text"
              inputMode="numeric"
              class="mono"
              autofocus={isFirst}
              value={draft.counter}
              onInput={(event) => onChange({ ...draft, counter: event.currentTarget.value })}
            />
          </label>
          {problem !== undefined && draft.counter !== "" && (
            <p class="problem" role="status">
              {problem}
            </p>
          )}
        </div>
      );
  }
}
