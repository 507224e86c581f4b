import type { IncomingHttpHeaders } from "node:http2";

/** The headers or trailers of Node's HTTP/2 as Connect takes them, without the pseudo-headers such as `:path` and `:status`. */
export function toWebHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(":") && value !== undefined) {
      for (const each of Array.isArray(value) ? value : [value]) {
        web.append(name, each);
      }
    }
  }
  return web;
}
