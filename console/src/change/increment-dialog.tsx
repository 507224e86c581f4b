import { useState } from "preact/hooks";
import { ChangeDialog } from "./change-dialog.js";
import { increment } from "./changes.js";
import { useChange } from "./use-change.js";

export function IncrementDialog({
  counterKey,
  onClose,
}: {
  readonly counterKey: string;
  readonly onClose: () => void;
}) {
  const [delta, setDelta] = useState("1");
  const [min, setMin] = useState("");
  const [max, setMax] = useState("");
  const change = useChange(() => counterKey, onClose);
  const amounts = [delta, min, max].map(toInteger);
  const [by, lowest, highest] = amounts;
  const isReady =
    by !== undefined && ![delta, min, max].some((text, index) => text !== "" && amounts[index] === undefined);

  function add() {
    if (by !== undefined) {
      const bounds = {
        ...(lowest === undefined ? {} : { min: lowest }),
        ...(highest === undefined ? {} : { max: highest }),
      };
      void change.run(() => increment(counterKey, by, bounds));
    }
  }

  return (
    <ChangeDialog
      title="Add to the counter"
      entryKey={counterKey}
      change={change}
      isReady={isReady}
      onSubmit={add}
      onClose={onClose}
      submit="Add"
    >
      <div class="field-row">
        <Amount label="Add" value={delta} onChange={setDelta} isFirst />
        <Amount label="Not below" value={min} onChange={setMin} />
        <Amount label="Not above" value={max} onChange={setMax} />
      </div>
      <p class="quiet">
        A negative number subtracts. It counts once, whatever becomes of the answer, and beside what others add.
      </p>
    </ChangeDialog>
  );
}

interface AmountProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isFirst?: boolean;
}

function Amount({ label, value, onChange, isFirst = false }: AmountProps) {
  return (
    <label class="field">
      {label}
      <input
        type="text"
        inputMode="numeric"
        class="mono"
        value={value}
        autofocus={isFirst}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

function toInteger(text: string): bigint | undefined {
  return /^[+-]?\d+$/.test(text.trim()) ? BigInt(text.trim()) : undefined;
}
