import { useState } from "preact/hooks";
import { CopyButton } from "../ui/copy-button.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import type { Snippet } from "./snippets.js";

/** Shows the same call for elsewhere, to be copied. */
export function CopyAs({ snippets, what }: { readonly snippets: () => readonly Snippet[]; readonly what: string }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button type="button" class="button small" onClick={() => setIsOpen(true)}>
        <Icon name="copy" />
        <span>
          Copy as…<span class="visually-hidden"> {what}</span>
        </span>
      </button>
      {isOpen && (
        <Dialog title={`Copy ${what} as`} isWide onClose={() => setIsOpen(false)}>
          <div class="dialog-body">
            {snippets().map(({ name, text }) => (
              <section key={name} class="snippet-section" aria-label={name}>
                <header>
                  <h3>{name}</h3>
                  <CopyButton text={text} label={`Copy for ${name}`} words="Copy" />
                </header>
                <pre class="snippet" tabIndex={0}>
                  {text}
                </pre>
              </section>
            ))}
          </div>
        </Dialog>
      )}
    </>
  );
}
