import { createClient, type DynakvClient } from "@dynakv/client/web";
import { createStore, type Store } from "../store.js";
import { ServerClock } from "./server-clock.js";

/** Where the server is: the page lies at its `/console`, behind a proxy too that serves it under a prefix. */
export const serverUrl = new URL(".", location.href).href.replace(/\/$/, "");

/** True if the console changes nothing. That is its mode, not a right: what a caller may do is the server's to say. */
export const isReadOnly =
  document.querySelector('meta[name="dynakv-console"]')?.getAttribute("content") === "read-only";

const tokenKey = "dynakv-token";

/** The bearer token, for as long as this tab is open at most. */
const token: Store<string | undefined> = createStore(readKept());
/** True if somebody is asked for a token, since the server has refused a call for want of one. */
export const isTokenWanted: Store<boolean> = createStore(false);

export const clock = new ServerClock();

/** The client of now: another token makes another one. */
export const client: Store<DynakvClient> = createStore(connect(token.current));

export function hasToken(): boolean {
  return token.current !== undefined;
}

/** The server, for those who call it from elsewhere. */
export function target(): { readonly address: string; readonly needsToken: boolean } {
  return { address: serverUrl, needsToken: hasToken() };
}

export function changeToken(given: string | undefined, isKept: boolean): void {
  const next = connect(given);
  token.set(given);
  if (given !== undefined && isKept) {
    sessionStorage.setItem(tokenKey, given);
  } else {
    sessionStorage.removeItem(tokenKey);
  }
  isTokenWanted.set(false);
  const before = client.current;
  client.set(next);
  before.close();
}

/** Throws a TypeError for a token that cannot be sent, or not without everybody on the way reading it. */
function connect(given: string | undefined): DynakvClient {
  return createClient({ address: serverUrl, fetch: clockedFetch, ...(given === undefined ? {} : { token: given }) });
}

function readKept(): string | undefined {
  return sessionStorage.getItem(tokenKey) ?? undefined;
}

async function clockedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const askedAt = Date.now();
  const response = await fetch(input, init);
  clock.note(response.headers.get("date"), askedAt, Date.now());
  return response;
}

/** Asks for what the server serves beside its calls, as the same caller. */
export function fetchBeside(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.current !== undefined) {
    headers.set("authorization", `Bearer ${token.current}`);
  }
  return clockedFetch(`${serverUrl}/${path}`, { ...init, headers });
}
