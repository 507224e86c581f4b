import { after, before, beforeEach } from "node:test";
import type { TestServer } from "./test-server.js";
import { type UseTestServerOptions, useTestServerWith } from "./use-test-server.js";

export type { TestServer } from "./test-server.js";
export type { UseTestServerOptions } from "./use-test-server.js";

/** A server for the tests of this file, or of this `describe`, with node:test: started before the first, and clean for each. */
export function useTestServer(options: UseTestServerOptions = {}): TestServer {
  return useTestServerWith({ beforeAll: before, beforeEach, afterAll: after }, options);
}
