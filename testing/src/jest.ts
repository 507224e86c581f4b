import type { TestServer } from "./test-server.js";
import { type Hooks, type UseTestServerOptions, useTestServerWith } from "./use-test-server.js";

export type { TestServer } from "./test-server.js";
export type { UseTestServerOptions } from "./use-test-server.js";

/** A server for the tests of this file, or of this `describe`, with Jest: started before the first, and clean for each. */
export function useTestServer(options: UseTestServerOptions = {}): TestServer {
  const { beforeAll, beforeEach, afterAll } = globalThis as unknown as Partial<Hooks>;
  if (beforeAll === undefined || beforeEach === undefined || afterAll === undefined) {
    throw new Error("Jest's hooks are not there: call useTestServer in a test file that Jest runs, with injectGlobals");
  }
  return useTestServerWith({ beforeAll, beforeEach, afterAll }, options);
}
