import { type AttributeValue, DeleteTableCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Client, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { createServer, type Server, type ServerOptions } from "../../src/index.js";
import { startTestEngine, type TestEngine, uniqueTableName } from "./engine.js";
import { patientDeadlines } from "./hold-request.js";
import { countResources, type Resources, waitForNoLeaks } from "./leaks.js";

export type KeyValueClient = Client<typeof KeyValueService>;

/** A server on a port of its own, on a table of its own, with everything that a suite needs beside it. */
export interface TestServer {
  readonly url: string;
  readonly table: string;
  readonly engine: TestEngine;
  /** A gRPC client. */
  readonly client: KeyValueClient;
  /** The raw item at a key, as it lies in the table. */
  rawItem(key: string): Promise<Record<string, AttributeValue> | undefined>;
  /** Writes a raw item, as Celery or another program would. */
  putRaw(item: Record<string, AttributeValue>): Promise<void>;
  /** Another server on the same table. */
  replica(options?: ServerOptions): Promise<{ url: string; client: KeyValueClient; server: Server }>;
  /** Stops all of it, and fails when a connection or a timer is left over. */
  stop(): Promise<void>;
}

export async function startTestServer(options: ServerOptions = {}): Promise<TestServer> {
  const before: Resources = countResources();
  const engine = await startTestEngine();
  const { endpoint, region, accessKeyId, secretAccessKey } = engine;
  const table = options.table ?? uniqueTableName();
  const shared: ServerOptions = {
    listen: "127.0.0.1:0",
    logLevel: "silent",
    // Tests share the processor with each other.
    overload: "off",
    endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    ...options,
    table,
  };
  const servers: Server[] = [];

  async function replica(more: ServerOptions = {}) {
    const given = { ...shared, ...more };
    const patience = given.maxDeadlineSeconds === undefined ? patientDeadlines : {};
    const server = createServer({ ...patience, ...given });
    const { url } = await server.start();
    servers.push(server);
    return { url, client: createClient(KeyValueService, createGrpcTransport({ baseUrl: url, nodeOptions })), server };
  }

  const first = await replica();
  const keyAttribute = options.keyAttribute ?? "id";
  return {
    url: first.url,
    client: first.client,
    table,
    engine,
    replica,
    async rawItem(key) {
      const command = new GetItemCommand({
        TableName: table,
        Key: { [keyAttribute]: { S: key } },
        ConsistentRead: true,
      });
      return (await engine.client.send(command)).Item;
    },
    async putRaw(item) {
      await engine.client.send(new PutItemCommand({ TableName: table, Item: item }));
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await engine.client.send(new DeleteTableCommand({ TableName: table }));
      await engine.stop();
      await waitForNoLeaks(before);
    },
  };
}

/** From Node 24 on, what a client has queued counts against this: 10 megabytes by default, past which it resets its own calls. */
const nodeOptions = { maxSessionMemory: 1000 };

/** Each way to reach the service with a client of Connect's. */
export function createTransports(url: string): Record<string, Transport> {
  return {
    gRPC: createGrpcTransport({ baseUrl: url, nodeOptions }),
    "gRPC-web over HTTP/2": createGrpcWebTransport({ baseUrl: url, httpVersion: "2", nodeOptions }),
    "gRPC-web over HTTP/1.1": createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }),
    "Connect over HTTP/2": createConnectTransport({ baseUrl: url, httpVersion: "2", nodeOptions }),
    "Connect over HTTP/1.1": createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
    "Connect with JSON": createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect with GET": createConnectTransport({ baseUrl: url, httpVersion: "1.1", useHttpGet: true }),
  };
}
