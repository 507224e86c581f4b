import type { Client } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { createServer, type ServerOptions } from "../../src/index.js";
import type { TestEngine } from "./engine.js";
import { startTestServer } from "./test-server.js";

/** A line of the log. */
export type LogLine = Record<string, unknown> & { readonly msg: string };

/** A server behind a fault proxy, with all that it logs and its admin port. */
export interface ObservedServer {
  readonly url: string;
  readonly adminUrl: string;
  readonly client: Client<typeof KeyValueService>;
  readonly proxy: FaultProxy;
  readonly lines: LogLine[];
  readonly table: string;
  readonly engine: TestEngine;
  page(): Promise<string>;
  /** Stops the server under observation, and leaves the rest. */
  stopServer(): Promise<void>;
  stop(): Promise<void>;
}

export async function startObservedServer(options: ServerOptions = {}): Promise<ObservedServer> {
  const base = await startTestServer();
  const proxy = await startFaultProxy({ target: base.engine.endpoint });
  const lines: LogLine[] = [];
  const { region, accessKeyId, secretAccessKey } = base.engine;
  const server = createServer({
    listen: "127.0.0.1:0",
    adminListen: "127.0.0.1:0",
    endpoint: proxy.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    table: base.table,
    logger: pino({ level: "trace" }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    ...options,
  });
  const { url, adminUrl = "" } = await server.start();
  return {
    url,
    adminUrl,
    client: createClient(KeyValueService, createGrpcTransport({ baseUrl: url })),
    proxy,
    lines,
    table: base.table,
    engine: base.engine,
    page: async () => (await fetch(`${adminUrl}/metrics`)).text(),
    stopServer: () => server.stop(),
    async stop() {
      await server.stop();
      await proxy.stop();
      await base.stop();
    },
  };
}

/** The value of one series of a page of metrics, by its name with its labels as the page has them; 0 when it is not there. */
export function seriesValue(page: string, series: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}
