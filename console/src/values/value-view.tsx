import type { ValueEntry } from "@dynakv/client/web";
import { useMemo } from "preact/hooks";
import { Tabs } from "../ui/tabs.js";
import { CeleryValue } from "./celery-value.js";
import { type Form, type Forms, formsOf } from "./forms.js";
import { HexValue } from "./hex-value.js";
import { ImageValue } from "./image-value.js";
import { JsonValue } from "./json-value.js";
import { TextValue } from "./text-value.js";

export interface ValueViewProps {
  readonly entry: ValueEntry;
  /** The form that was asked for; another one is shown when the value does not have it. */
  readonly form: string | undefined;
  readonly onForm: (form: string) => void;
}

const titles: Readonly<Record<Form, string>> = {
  celery: "Celery",
  json: "JSON",
  text: "Text",
  image: "Image",
  hex: "Hex",
};

export function ValueView({ entry, form, onForm }: ValueViewProps) {
  const forms = useMemo(() => formsOf(entry.key, entry.value), [entry]);
  const shown = forms.names.find((name) => name === form) ?? (forms.names[0] as Form);
  if (entry.value.length === 0) {
    return <p class="empty-value">An empty value: it holds 0 bytes, and is an entry like any other.</p>;
  }
  return (
    <Tabs
      label="Form of the value"
      tabs={forms.names.map((name) => ({ name, title: titles[name] }))}
      selected={shown}
      onSelect={onForm}
    >
      <Shown entry={entry} form={shown} forms={forms} />
    </Tabs>
  );
}

function Shown({ entry, form, forms }: { readonly entry: ValueEntry; readonly form: Form; readonly forms: Forms }) {
  const { celeryKey, lines, text, imageType } = forms;
  switch (form) {
    case "celery":
      return celeryKey === undefined ? null : <CeleryValue entry={entry} celeryKey={celeryKey} />;
    case "json":
      return lines === undefined ? null : <JsonValue key={entry.etag} lines={lines} label="Value as JSON" />;
    case "text":
      return text === undefined ? null : <TextValue key={entry.etag} text={text} />;
    case "image":
      return imageType === undefined ? null : <ImageValue bytes={entry.value} type={imageType} />;
    case "hex":
      return <HexValue bytes={entry.value} />;
  }
}
