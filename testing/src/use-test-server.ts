import { startTestServer } from "./start-test-server.js";
import type { TestServer, TestServerOptions } from "./test-server.js";

/** Options of `useTestServer`. */
export interface UseTestServerOptions extends TestServerOptions {
  /** False keeps entries, faults and clock from one test to the next, for tests that run at the same time. The default is true. */
  readonly resetBeforeEach?: boolean;
}

/** The hooks of a test framework. */
export interface Hooks {
  beforeAll(run: () => Promise<void>): void;
  beforeEach(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
}

/** Has the hooks start a server before the first test of a file, reset it before each, and close it after the last. */
export function useTestServerWith(
  hooks: Hooks,
  { resetBeforeEach = true, ...options }: UseTestServerOptions,
): TestServer {
  let running: TestServer | undefined;
  hooks.beforeAll(async () => {
    running = await startTestServer(options);
  });
  if (resetBeforeEach) {
    hooks.beforeEach(() => server().reset());
  }
  hooks.afterAll(async () => {
    await running?.close();
  });

  function server(): TestServer {
    if (running === undefined) {
      throw new Error("the test server is started before the first test: use it within a test or a hook");
    }
    return running;
  }

  return {
    get address() {
      return server().address;
    },
    get client() {
      return server().client;
    },
    get clock() {
      return server().clock;
    },
    get faults() {
      return server().faults;
    },
    get dynamodb() {
      return server().dynamodb;
    },
    createClient: (more) => server().createClient(more),
    reset: () => server().reset(),
    close: () => server().close(),
    [Symbol.asyncDispose]: () => server().close(),
  };
}
