import type { OutgoingHttpHeaders } from "node:http";
import type { Exchange } from "../../listener/exchange.js";
import { consoleHeaders } from "./console-headers.js";
import { type ConsoleFile, type ConsoleFiles, loadConsole } from "./load-console.js";

/** What is served under `/console`: a page, its scripts and styles, and the figures that it charts. */
export interface Console {
  /** What is served at a path; undefined where that is none of the console's. */
  find(path: string): ConsoleResource | undefined;
}

/** One of the things that the console's page loads. */
export interface ConsoleResource {
  /** True if anybody may have it: the page and its scripts know nothing of the server that they come from. */
  readonly isPublic: boolean;
  /** Answers GET and HEAD. */
  answer(exchange: Exchange): void | Promise<void>;
}

export interface ConsoleOptions {
  readonly mode: "on" | "read-only";
  /** Tells what the server is doing; undefined where nobody may be told. */
  readonly figures: (() => object) | undefined;
}

/** The path of the page. What it loads lies below it, and is found from there by relative URLs, also behind a proxy with a prefix. */
export const consolePath = "/console";

export async function openConsole({ mode, figures }: ConsoleOptions): Promise<Console> {
  const files = await loadConsole(mode);
  const resources = new Map([
    ...fileResources(files),
    // Relative URLs of the page would lead elsewhere from here.
    [`${consolePath}/`, resource(true, (exchange) => exchange.respond(308, withHeaders({ location: "../console" })))],
    ...(figures === undefined ? [] : [[`${consolePath}/metrics`, figuresResource(figures)] as const]),
  ]);
  return { find: (path) => resources.get(path) };
}

function fileResources(files: ConsoleFiles): (readonly [string, ConsoleResource])[] {
  return [...files].map(([name, file]) => [
    name === "index.html" ? consolePath : `${consolePath}/${name}`,
    resource(true, (exchange) => answerFile(exchange, file)),
  ]);
}

function figuresResource(figures: () => object): ConsoleResource {
  return resource(false, (exchange) => {
    const body = Buffer.from(JSON.stringify(figures()));
    const headers = withHeaders({ "content-type": "application/json", "cache-control": "no-store" });
    respond(exchange, headers, body);
  });
}

function resource(isPublic: boolean, answer: ConsoleResource["answer"]): ConsoleResource {
  return {
    isPublic,
    answer(exchange) {
      if (exchange.method !== "GET" && exchange.method !== "HEAD") {
        exchange.respond(405, withHeaders({ allow: "GET, HEAD" }));
        return;
      }
      return answer(exchange);
    },
  };
}

async function answerFile(exchange: Exchange, file: ConsoleFile): Promise<void> {
  const headers = withHeaders({
    etag: file.etag,
    "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    vary: "accept-encoding",
  });
  if (isKnown(exchange.headers["if-none-match"], file.etag)) {
    exchange.respond(304, headers);
    return;
  }
  headers["content-type"] = file.contentType;
  if (acceptsGzip(exchange.headers["accept-encoding"])) {
    headers["content-encoding"] = "gzip";
    respond(exchange, headers, await file.gzipped());
  } else {
    respond(exchange, headers, file.body);
  }
}

function respond(exchange: Exchange, headers: OutgoingHttpHeaders, body: Uint8Array): void {
  const whole = { ...headers, "content-length": body.length.toString() };
  exchange.respond(200, whole, exchange.method === "HEAD" ? undefined : body);
}

function withHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return { ...consoleHeaders, ...headers };
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const strong = etag.replace(/^W\//, "");
  return (ifNoneMatch ?? "").split(",").some((each) => each.trim().replace(/^W\//, "") === strong);
}

function acceptsGzip(acceptEncoding: string | string[] | undefined): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|$|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))/i.test(String(acceptEncoding ?? ""));
}
