import { useEffect, useRef, useState } from "preact/hooks";
import { client, isReadOnly, serverUrl, target } from "../connection/session.js";
import { navigate, type Route } from "../routing/route.js";
import { serverInfo } from "../status/info.js";
import { useStore } from "../store.js";
import { Icon } from "../ui/icon.js";
import { useNow } from "../ui/now.js";
import { useShortcuts } from "../ui/shortcuts.js";
import { VisibleText } from "../ui/visible-text.js";
import { CopyAs } from "../values/copy-as.js";
import { scanSnippets } from "../values/snippets.js";
import { type Arrangement, initialArrangement } from "./arrange.js";
import { FoundGrid } from "./found-grid.js";
import { currentScan, type Scan, startScan } from "./scan.js";
import { ScanStatus } from "./scan-status.js";
import { useArranged } from "./use-arranged.js";

export interface FindViewProps {
  readonly route: Route;
  readonly onNew: () => void;
}

/** Finds a key, or keys by their prefix. */
export function FindView({ route, onNew }: FindViewProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(route.prefix ?? "");
  const scan = useStore(currentScan);
  const info = useStore(serverInfo);
  useShortcuts({ "/": () => input.current?.focus() });

  // The embedded engine costs nothing to read, so that whoever opens the console sees what there is.
  const isFree = info?.engine === "embedded";
  useEffect(() => {
    if (isFree && currentScan.current === undefined) {
      startScan(route.prefix ?? "");
    }
  }, [isFree]);
  useEffect(() => setText(route.prefix ?? ""), [route.prefix]);
  // Another token may be allowed what the one before was not.
  const connection = useStore(client);
  useEffect(() => {
    if (currentScan.current?.progress.current.state === "failed") {
      startScan(currentScan.current.prefix);
    }
  }, [connection]);

  function list() {
    navigate({ ...route, view: "keys", prefix: text });
    startScan(text);
  }

  function open(key: string) {
    if (key !== "") {
      navigate({ view: "keys", prefix: route.prefix, key });
    }
  }

  return (
    <section class="pane find" aria-label="Find keys">
      <form
        class="find-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          list();
        }}
      >
        <div class="field-icon">
          <Icon name="search" />
          <input
            ref={input}
            type="text"
            class="mono"
            value={text}
            placeholder="Prefix, or a key"
            aria-label="Key, or prefix of keys"
            aria-keyshortcuts="/"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                open(text);
              } else if (event.key === "Escape") {
                event.currentTarget.blur();
              }
            }}
          />
          <kbd>/</kbd>
        </div>
        <div class="find-buttons">
          <button type="submit" class="button primary" title="Enter">
            List keys
          </button>
          <button type="button" class="button" title="Ctrl+Enter" disabled={text === ""} onClick={() => open(text)}>
            Open key
          </button>
          {!isReadOnly && (
            <button type="button" class="button" title="New entry (n)" onClick={onNew}>
              <Icon name="plus" /> New
            </button>
          )}
        </div>
      </form>
      {scan === undefined ? <Invitation isFree={isFree} /> : <Found scan={scan} route={route} onOpen={open} />}
    </section>
  );
}

interface FoundProps {
  readonly scan: Scan;
  readonly route: Route;
  readonly onOpen: (key: string) => void;
}

function Found({ scan, route, onOpen }: FoundProps) {
  const progress = useStore(scan.progress);
  const [arrangement, setArrangement] = useState<Arrangement>(initialArrangement);
  const rows = useArranged(progress.found, arrangement);
  const now = useNow();
  const isEmpty = progress.found.length === 0 && progress.state === "done";

  return (
    <>
      <ScanStatus scan={scan} progress={progress} shown={rows.length} />
      {isEmpty ? (
        scan.prefix === "" ? (
          <EmptyTable />
        ) : (
          <div class="empty">
            <p class="empty-title">No key begins with</p>
            <p class="mono">
              <VisibleText text={scan.prefix} />
            </p>
            <button type="button" class="button" onClick={() => onOpen(scan.prefix)}>
              Open it as a key
            </button>
          </div>
        )
      ) : (
        <>
          <div class="filters">
            <label>
              <span class="visually-hidden">Filter what was found</span>
              <input
                type="text"
                class="mono"
                placeholder="Filter what was found"
                value={arrangement.text}
                onInput={(event) => setArrangement({ ...arrangement, text: event.currentTarget.value })}
              />
            </label>
            <label>
              <span class="visually-hidden">Kind of entries to show</span>
              <select
                value={arrangement.kind}
                onChange={(event) =>
                  setArrangement({ ...arrangement, kind: event.currentTarget.value as Arrangement["kind"] })
                }
              >
                <option value="all">all kinds</option>
                <option value="value">values</option>
                <option value="counter">counters</option>
                <option value="expiring">that expire</option>
                <option value="unreadable">unreadable</option>
              </select>
            </label>
            <CopyAs snippets={() => scanSnippets(target(), scan.prefix)} what="this list" />
          </div>
          <FoundGrid
            rows={rows}
            arrangement={arrangement}
            onArrange={setArrangement}
            openKey={route.key}
            onOpen={onOpen}
            now={now}
          />
        </>
      )}
    </>
  );
}

/** What a scan costs should be known before it begins. */
function Invitation({ isFree }: { readonly isFree: boolean }) {
  return (
    <div class="empty">
      <p class="empty-title">Find a key, or list keys by a prefix</p>
      <p>
        <kbd>Enter</kbd> lists the keys that begin with what you type, <kbd>Ctrl</kbd>+<kbd>Enter</kbd> opens that very
        key.
      </p>
      {!isFree && (
        <p class="quiet">
          DynamoDB has no index of keys: a list reads the whole table, whatever the prefix, and costs the read capacity
          for that. It can be paused and stopped. Opening a key costs one read.
        </p>
      )}
    </div>
  );
}

function EmptyTable() {
  const address = serverUrl === "http://127.0.0.1:50051" ? "" : ` --address ${serverUrl}`;
  return (
    <div class="empty">
      <p class="empty-title">The table is empty</p>
      {isReadOnly ? (
        <p>This console is read-only. The command line stores the first key:</p>
      ) : (
        <p>
          Store the first key by <strong>New</strong>, or from a terminal:
        </p>
      )}
      <pre class="snippet">{`npx dynakv set hello world${address}`}</pre>
      <p class="quiet">Then read again.</p>
    </div>
  );
}
