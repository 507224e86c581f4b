import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openStore, removeItems } from "./open-store.js";
import { createRequestHandler } from "./request-handler.js";

export interface EmbeddedEngineOptions {
  /**
   * Data location: a folder, which is created if it is missing, or the word `memory`, which keeps nothing. (A
   * folder of that name is `./memory`.)
   */
  data: string;
}

/** A DynamoDB engine for development and tests, in this process. The SDK talks to it as it talks to DynamoDB. */
export interface EmbeddedEngine {
  /** The engine's URL, on a free port of the loopback interface. */
  readonly endpoint: string;
  readonly region: string;
  /** The credentials of this process. Requests with others are refused. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /**
   * Removes the items of all tables at once, between requests: those that have begun are answered first, and those that come meanwhile
   * wait.
   */
  clear(): Promise<void>;
  /**
   * Closes the port, its connections and the database. What has begun is finished first. Afterwards the folder can be
   * opened again at once. A second call waits for the first.
   */
  stop(): Promise<void>;
}

/**
 * Longest time that a connection may be idle. Longer than clients keep theirs, because a request that is sent just as the server
 * closes its connection is lost.
 */
const keepAliveTimeoutMs = 65_000;

/** Time that stopping waits for clients to take their answers. */
const drainMs = 5_000;

/**
 * Starts an engine. Rejects with a SetupError that says what to do when the folder cannot be used.
 *
 * It is dynalite, without dynalite's HTTP server: that one throws whatever goes wrong, and so takes the process with it
 * when a client resets its connection (https://github.com/architect/dynalite/issues/183), when a body holds a null, or
 * when the disk is full. Here its database, its validations and its actions run behind a handler of our own.
 *
 * The access key is random: other programs on the same machine, and web pages in its browsers, reach the port too.
 */
export async function startEmbeddedEngine({ data }: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const credentials = { accessKeyId: randomBytes(16).toString("hex"), secretAccessKey: "embedded" };
  const store = await openStore(data);
  try {
    const handler = createRequestHandler(store, credentials.accessKeyId);
    const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, handler.handle);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;

    const stop = async () => {
      const closed = once(server, "close");
      server.close();
      const patience = new AbortController();
      const { signal } = patience;
      await Promise.race([handler.drain(), sleep(drainMs, undefined, { signal }).catch(() => {})]);
      patience.abort();
      server.closeAllConnections();
      await closed;
      await store.db.close();
    };
    let stopped: Promise<void> | undefined;

    return {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      credentials,
      clear: () => handler.betweenRequests(() => removeItems(store)),
      stop() {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    await store.db.close();
    throw error;
  }
}
