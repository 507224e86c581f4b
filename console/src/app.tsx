import { useEffect, useState } from "preact/hooks";
import { EditDialog } from "./change/edit-dialog.js";
import { NoticeList } from "./change/notice-list.js";
import { client, hasToken, isReadOnly, isTokenWanted } from "./connection/session.js";
import { TokenDialog } from "./connection/token-dialog.js";
import { EntryView } from "./entry/entry-view.js";
import { FindView } from "./find/find-view.js";
import { keysRoute, linkTo, route as routeStore } from "./routing/route.js";
import { loadInfo } from "./status/info.js";
import { ServerView } from "./status/status-view.js";
import { useStore } from "./store.js";
import { HelpDialog } from "./ui/help-dialog.js";
import { Icon } from "./ui/icon.js";
import { useShortcuts } from "./ui/shortcuts.js";
import { theme } from "./ui/theme.js";
import { toVisibleParts } from "./values/visible-text.js";

export function App() {
  const route = useStore(routeStore);
  const isAsking = useStore(isTokenWanted);
  const [isHelping, setIsHelping] = useState(false);
  const [newKey, setNewKey] = useState<string | undefined>();
  useShortcuts({ "?": () => setIsHelping(true), n: isReadOnly ? undefined : () => setNewKey("") });
  useEffect(() => void loadInfo(), []);
  useEffect(() => {
    const shown = route.view === "server" ? "Server" : visibleText(route.key ?? "Keys");
    document.title = `${shown} · dynakv console`;
  }, [route]);

  return (
    <>
      <Header view={route.view} onHelp={() => setIsHelping(true)} />
      <main
        class={`view ${route.view}${route.key === undefined ? "" : " with-entry"}`}
        // What scrolls must be reached by the keyboard.
        tabIndex={route.view === "server" ? 0 : undefined}
      >
        <h1 class="visually-hidden">{route.view === "server" ? "Server" : "Keys"}</h1>
        {route.view === "server" ? (
          <ServerView />
        ) : (
          <>
            <FindView route={route} onNew={() => setNewKey(route.prefix ?? "")} />
            {route.key === undefined ? (
              <section class="pane entry none" aria-label="Entry">
                <p class="hint">An entry that you open is shown here.</p>
              </section>
            ) : (
              <EntryView key={route.key} entryKey={route.key} route={route} onNew={setNewKey} />
            )}
          </>
        )}
      </main>
      <NoticeList />
      {newKey !== undefined && (
        <EditDialog entry={undefined} initialKey={newKey} onClose={() => setNewKey(undefined)} />
      )}
      {isHelping && <HelpDialog onClose={() => setIsHelping(false)} />}
      {isAsking && <TokenDialog />}
    </>
  );
}

function visibleText(text: string): string {
  return toVisibleParts(text)
    .map((part) => part.text)
    .join("");
}

function Header({ view, onHelp }: { readonly view: string; readonly onHelp: () => void }) {
  // Another token makes another client.
  useStore(client);
  const chosen = useStore(theme);
  const isDark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <header class="bar">
      <a class="brand" href={linkTo({ view: "keys" })}>
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="brand-ground" />
          <path d="M9 9.5h5.2a6.5 6.5 0 0 1 0 13H9z" class="brand-line" />
          <circle cx="24" cy="16" r="2.2" class="brand-dot" />
        </svg>
        dynakv<span class="brand-what"> console</span>
      </a>
      <nav aria-label="Views">
        <a href={linkTo(keysRoute())} aria-current={view === "keys" ? "page" : undefined}>
          Keys
        </a>
        <a href={linkTo({ view: "server" })} aria-current={view === "server" ? "page" : undefined}>
          Server
        </a>
      </nav>
      <span class="spacer" />
      {isReadOnly && (
        <span class="chip" title="The mode of this console. What you may do elsewhere is the server's to say.">
          read-only
        </span>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={hasToken() ? "Change the token" : "Give a token"}
        title={hasToken() ? "You call with a token" : "You call without a token"}
        onClick={() => isTokenWanted.set(true)}
      >
        <Icon name="key" />
        {hasToken() && <span class="dot" />}
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={isDark ? "Light colours" : "Dark colours"}
        title={isDark ? "Light colours" : "Dark colours"}
        onClick={() => theme.set(isDark ? "light" : "dark")}
      >
        <Icon name={isDark ? "sun" : "moon"} />
      </button>
      <button type="button" class="icon-button" aria-label="Help: keys" title="Keys (?)" onClick={onHelp}>
        <Icon name="help" />
      </button>
    </header>
  );
}
