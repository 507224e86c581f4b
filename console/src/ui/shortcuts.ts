import { useLayoutEffect, useRef } from "preact/hooks";
import { createStore, type Store } from "../store.js";

const shortcutsKey = "dynakv-shortcuts";

/** Single keys can be turned off: who speaks to the computer would press them by accident (WCAG 2.1.4). */
export const areShortcutsOn: Store<boolean> = createStore(sessionStorage.getItem(shortcutsKey) !== "off");
areShortcutsOn.subscribe(() => sessionStorage.setItem(shortcutsKey, areShortcutsOn.current ? "on" : "off"));

/** Calls back for single keys, but not while somebody types, and not below an open dialog. */
export function useShortcuts(keys: Readonly<Record<string, (() => void) | undefined>>): void {
  const latest = useRef(keys);
  latest.current = keys;
  // Not after the next frame: who sees what a key acts on may press it already.
  useLayoutEffect(() => {
    function listen(event: KeyboardEvent) {
      const act = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : undefined;
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.defaultPrevented;
      const isAllowed = areShortcutsOn.current || event.key === "Escape";
      if (
        act === undefined ||
        !isPlain ||
        !isAllowed ||
        isTyping(event.target) ||
        document.querySelector("dialog[open]")
      ) {
        return;
      }
      event.preventDefault();
      act();
    }
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
