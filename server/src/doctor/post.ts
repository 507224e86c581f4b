import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createAgents } from "../store/dynamodb/agents.js";
import type { Network } from "../store/dynamodb/network.js";

export interface PostRequest {
  /** Proxy and trusted authorities. */
  readonly network: Network;
  /** In pairs, as a signer gives them. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const timeoutMs = 5000;

/**
 * Sends one request, on a connection of its own, and follows no redirect. Not by fetch, which refuses ports that a server may well
 * have its engine on, such as 6000 (https://fetch.spec.whatwg.org/#port-blocking).
 */
export function post(url: URL, { network, headers, body }: PostRequest, closing: AbortSignal): Promise<PostAnswer> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { httpAgent, httpsAgent } = createAgents({ network, connectTimeoutMs: timeoutMs, maxConnections: 1 });
  const answered = new Promise<PostAnswer>((resolve, reject) => {
    // Of an abort, the reason tells whether it was for the time that it took.
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
    const agent = url.protocol === "https:" ? httpsAgent : httpAgent;
    const options = { method: "POST", agent, signal, headers: toHeaders(headers) };
    request(url, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("error", fail);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    })
      .on("error", fail)
      .end(body);
  });
  return answered.finally(() => {
    httpAgent.destroy();
    httpsAgent.destroy();
  });
}

function toHeaders(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    headers[pairs[index] as string] = pairs[index + 1] as string;
  }
  return headers;
}

/** Name of a request's error, such as ECONNREFUSED or TimeoutError. */
export function nameOfError(error: unknown): string {
  const { name, code } = error as { name: string; code?: unknown };
  // A DOMException has a number there.
  return typeof code === "string" ? code : name;
}
