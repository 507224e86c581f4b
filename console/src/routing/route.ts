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
