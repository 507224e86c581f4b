import type { DynakvClient } from "./client.js";
import { createClient as createWebClient, type WebClientOptions } from "./web.js";

export * from "./web.js";

/**
 * The client over fetch for Cloudflare Workers, where what one request of the Worker has begun may not be waited for by another: calls
 * of different requests must not travel together. There `batching` is false unless it is said to be true, which is for a client that
 * one request alone uses.
 */
export function createClient(given: WebClientOptions = {}): DynakvClient {
  return createWebClient(given?.batching === undefined ? { ...given, batching: false } : given);
}
