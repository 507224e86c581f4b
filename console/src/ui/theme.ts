import { createStore, type Store } from "../store.js";

export type Theme = "auto" | "light" | "dark";

const themeKey = "dynakv-theme";

/** As the system has it, unless this tab was told otherwise. */
export const theme: Store<Theme> = createStore((sessionStorage.getItem(themeKey) as Theme | null) ?? "auto");

function apply(): void {
  document.documentElement.dataset.theme = theme.current;
  sessionStorage.setItem(themeKey, theme.current);
}

apply();
theme.subscribe(apply);
