import type { Expiry } from "@dynakv/client/web";
import { useState } from "preact/hooks";
import { clock } from "../connection/session.js";
import { toLocalInput } from "../values/times.js";

/** How an expiry is told in a form. */
export interface ExpiryDraft {
  readonly policy: "keep" | "server-default" | "never" | "after" | "at";
  readonly amount: string;
  readonly unit: "1" | "60" | "3600" | "86400";
  readonly at: string;
}

export function createExpiryDraft(policy: ExpiryDraft["policy"]): ExpiryDraft {
  return { policy, amount: "1", unit: "3600", at: toLocalInput(new Date(clock.now() + 86_400_000)) };
}

/** Undefined when what was typed is none. */
export function toExpiry({ policy, amount, unit, at }: ExpiryDraft): Expiry | undefined {
  switch (policy) {
    case "after": {
      const seconds = Number(amount) * Number(unit);
      return amount.trim() !== "" && Number.isFinite(seconds) && seconds > 0 ? { seconds } : undefined;
    }
    case "at": {
      const date = new Date(at);
      return Number.isNaN(date.getTime()) ? undefined : date;
    }
    default:
      return policy;
  }
}

export interface ExpiryFieldProps {
  readonly draft: ExpiryDraft;
  readonly onChange: (draft: ExpiryDraft) => void;
  /** True if there is an entry whose expiry can be kept. */
  readonly mayKeep: boolean;
}

export function ExpiryField({ draft, onChange, mayKeep }: ExpiryFieldProps) {
  const [earliest] = useState(() => toLocalInput(new Date(clock.now())));
  return (
    <fieldset class="expiry-field">
      <legend>Expiry</legend>
      <select
        aria-label="Expiry"
        value={draft.policy}
        onChange={(event) => onChange({ ...draft, policy: event.currentTarget.value as ExpiryDraft["policy"] })}
      >
        {mayKeep && <option value="keep">as it is</option>}
        <option value="server-default">the server's default</option>
        <option value="never">never</option>
        <option value="after">after…</option>
        <option value="at">at…</option>
      </select>
      {draft.policy === "after" && (
        <>
          <input
            type="number"
            min="0"
            step="any"
            class="short"
            aria-label="How long"
            value={draft.amount}
            onInput={(event) => onChange({ ...draft, amount: event.currentTarget.value })}
          />
          <select
            aria-label="Unit"
            value={draft.unit}
            onChange={(event) => onChange({ ...draft, unit: event.currentTarget.value as ExpiryDraft["unit"] })}
          >
            <option value="1">seconds</option>
            <option value="60">minutes</option>
            <option value="3600">hours</option>
            <option value="86400">days</option>
          </select>
        </>
      )}
      {draft.policy === "at" && (
        <input
          type="datetime-local"
          step="1"
          min={earliest}
          aria-label="When, by this machine's time"
          value={draft.at}
          onInput={(event) => onChange({ ...draft, at: event.currentTarget.value })}
        />
      )}
    </fieldset>
  );
}
