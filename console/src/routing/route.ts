import { createStore, type Store } from "../store.js";

/** What the page shows. All of it stands behind the `#` of its address, which browsers do not send to the server. */
export interface Route {
  readonly view: "keys" | "server";
  /** The prefix of the list; undefined when nothing has been asked for. */
  readonly prefix?: string | undefined;
  /** The key whose entry is shown. */
  readonly key?: string | undefined;
  /** The form in which its value is shown: `text`, `json`, `hex`, `image` or `celery`; undefined for what suits it. */
  readonly form?: string | undefined;
}

export const route: Store<Route> = createStore(parseRoute(location.hash));

let lastKeys: Route = route.current.view === "keys" ? route.current : { view: "keys" };
route.subscribe(() => {
  if (route.current.view === "keys") {
    lastKeys = route.current;
  }
});

addEventListener("hashchange", () => route.set(parseRoute(location.hash)));

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const fields = new URLSearchParams(query);
  const read = (name: string) => fields.get(name) ?? undefined;
  return path === "server"
    ? { view: "server" }
    : { view: "keys", prefix: read("prefix"), key: read("key"), form: read("form") };
}

/** The same route always has the same link. */
export function linkTo({ view, prefix, key, form }: Route): string {
  const fields = Object.entries({ prefix, key, form }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value.toWellFormed())}`],
  );
  return fields.length === 0 ? `#/${view}` : `#/${view}?${fields.join("&")}`;
}

/** The list of now, with an entry beside it. */
export function besideList(key: string | undefined, form?: string): Route {
  return { view: "keys", prefix: lastKeys.prefix, key, form };
}

/** Where the keys were left, for those who come back to them. */
export function keysRoute(): Route {
  return route.current.view === "keys" ? besideList(undefined) : lastKeys;
}

/** Changes the address, and with it the page. A replacement leaves no step to go back to. */
export function navigate(to: Route, { replace = false }: { readonly replace?: boolean } = {}): void {
  const link = linkTo(to);
  if (replace) {
    history.replaceState(null, "", link);
  } else {
    history.pushState(null, "", link);
  }
  route.set(parseRoute(link));
}
