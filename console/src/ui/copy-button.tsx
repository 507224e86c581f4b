import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.js";

export interface CopyButtonProps {
  readonly text: string | (() => string);
  /** What a screen reader, and a tooltip, says: `Copy the key`. */
  readonly label: string;
  readonly icon?: IconName;
  /** Words on the button; an icon alone otherwise. */
  readonly words?: string;
}

/** Puts text into the clipboard, and says that it did. */
export function CopyButton({ text, label, icon = "copy", words }: CopyButtonProps) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    const timer = state === "idle" ? undefined : setTimeout(() => setState("idle"), 2000);
    return () => clearTimeout(timer);
  }, [state]);

  async function copy() {
    try {
      await writeClipboard(typeof text === "string" ? text : text());
      setState("copied");
    } catch {
      setState("failed");
    }
  }

  const said = state === "copied" ? "Copied" : state === "failed" ? "Could not be copied" : undefined;
  return (
    <button
      type="button"
      class={words === undefined ? "icon-button" : "button small"}
      title={label}
      aria-label={words === undefined ? label : undefined}
      onClick={copy}
    >
      <Icon name={state === "copied" ? "check" : icon} />
      {words !== undefined && <span>{said ?? words}</span>}
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </button>
  );
}

/** A page over plain HTTP from another machine has no clipboard of the newer kind. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) {
    throw new Error("the browser does not let a page copy");
  }
}
