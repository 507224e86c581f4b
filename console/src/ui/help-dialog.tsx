import { useStore } from "../store.js";
import { Dialog } from "./dialog.js";
import { areShortcutsOn } from "./shortcuts.js";

const keys: readonly (readonly [keys: string, what: string])[] = [
  ["/", "Find: type a key, or a prefix"],
  ["Enter", "in the field: list the keys that begin so"],
  ["Ctrl Enter", "in the field: open that very key"],
  ["↑ ↓ PgUp PgDn Home End", "in the list: move; Enter opens"],
  ["Esc", "close what is open"],
  ["n", "New entry"],
  ["e", "Change the entry"],
  ["x", "Change its expiry"],
  ["i", "Add to the counter"],
  ["d", "Delete the entry"],
  ["r", "Read it again"],
  ["w", "Watch it"],
  ["?", "This help"],
];

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const areOn = useStore(areShortcutsOn);
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div class="dialog-body">
        <dl class="key-list">
          {keys.map(([shortcut, what]) => (
            <div key={shortcut}>
              <dt>
                {shortcut.split(" ").map((each) => (
                  <kbd key={each}>{each}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <label class="switch">
          <input
            type="checkbox"
            checked={areOn}
            onChange={(event) => areShortcutsOn.set(event.currentTarget.checked)}
          />
          <span>Single keys do something</span>
        </label>
        <p class="quiet">
          Each view has an address of its own, which can be shared. What is found, and a token, stay in this tab.
        </p>
      </div>
    </Dialog>
  );
}
