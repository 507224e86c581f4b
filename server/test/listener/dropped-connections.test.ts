import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { IncomingMessage } from "node:http";
import { connect, createServer, type Http2Server, Http2ServerRequest } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as v8 from "node:v8";
import * as assert from "uvu/assert";
import { GrpcCall } from "../../src/calls/direct-grpc/grpc-call.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { departures, dropCall, largeKey, phases } from "../support/dropped-calls.js";
import { isFullRun } from "../support/full-run.js";
import { countResources } from "../support/leaks.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("dropped connections");

/** So many of each phase and departure. In the full run there are more than a thousand in each phase. */
const each = isFullRun ? 342 : 19;
const all = each * phases.length * departures.length;
/** No more are open at a time in each phase. */
const atOnce = 19;
/** Longer than a client waits for that leaves while the engine works. */
const engineMs = 80;

let server: TestServer;
let proxy: FaultProxy;
let url: string;
let ServerHttp2Session: unknown;
const connections = new Map<Socket, number | undefined>();
const exchanges = new Set<object>();

const onSocket = (message: unknown) => {
  const { socket } = message as { socket: Socket };
  connections.set(socket, socket.localPort);
  socket.once("close", () => connections.delete(socket));
};

/** Of every HTTP/1 server in this process, the proxy and the engine among them. */
const onRequest = (message: unknown) => {
  const { response } = message as { response: NodeJS.EventEmitter };
  exchanges.add(response);
  response.once("close", () => exchanges.delete(response));
};

test.before(async () => {
  ServerHttp2Session = await findSessionKind();
  subscribe("net.server.socket", onSocket);
  subscribe("http.server.request.start", onRequest);
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ url } = await server.replica({ endpoint: proxy.endpoint }));
  await server.client.set({ key: largeKey, value: new Uint8Array(100_000) });
  proxy.decide = ({ operation }) =>
    operation === "PutItem" || operation === "UpdateItem" ? { kind: "delay", afterMs: engineMs } : "forward";
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
  unsubscribe("net.server.socket", onSocket);
  unsubscribe("http.server.request.start", onRequest);
});

/** How many connections the server has. */
function countConnections(): number {
  const port = Number(new URL(url).port);
  return [...connections.values()].filter((each) => each === port).length;
}

/** Node exports no class of sessions: it is that of any of them. */
async function findSessionKind(): Promise<unknown> {
  const any = createServer().listen(0, "127.0.0.1");
  const client = connect(`http://127.0.0.1:${await portOf(any)}`);
  const [session] = await once(any, "session");
  client.destroy();
  any.close();
  return session.constructor;
}

async function portOf(listening: Http2Server): Promise<number> {
  await once(listening, "listening");
  return (listening.address() as AddressInfo).port;
}

/** What the process still holds of calls, after a collection of garbage: timers alone where Node cannot tell. */
function countHeld(): Record<string, number> {
  const { queryObjects } = v8 as { queryObjects?: (kind: unknown, options: { format: "count" }) => number };
  const kinds = { GrpcCall, Http2ServerRequest, IncomingMessage, AbortSignal, ServerHttp2Session };
  const held = Object.entries(queryObjects === undefined ? {} : kinds).map(([name, kind]): [string, number] => [
    name,
    queryObjects?.(kind, { format: "count" }) ?? 0,
  ]);
  return Object.fromEntries([...held, ["timers", countResources().get("Timeout") ?? 0]]);
}

async function dropAll(times: number): Promise<void> {
  const port = Number(new URL(url).port);
  for (const departure of departures) {
    for (let done = 0; done < times; done += atOnce) {
      const now = Math.min(atOnce, times - done);
      await Promise.all(phases.flatMap((phase) => Array.from({ length: now }, () => dropCall(port, phase, departure))));
    }
  }
  await waitUntil("the server has no connection left", () => countConnections() === 0);
  await waitUntil("nothing is asked of DynamoDB any more", () => exchanges.size === 0);
}

test(`${all} connections, dropped in every phase of a call, leave nothing behind`, async () => {
  // What is made once, such as the connections to DynamoDB, is there after the first few.
  await dropAll(1);
  const before = countHeld();
  assert.ok(!isFullRun || all > 1000 * phases.length);
  await dropAll(each);
  let held: string[] = [];
  // Not waitUntil: each look goes through the whole heap.
  for (let looks = 0; looks < 10; looks++) {
    const now = Object.entries(countHeld());
    // A few belong to what the server does by itself, such as its look at whether the engine answers.
    held = now.filter(([name, n]) => n > (before[name] ?? 0) + 8).map(([name, n]) => `${n} ${name}`);
    if (held.length === 0) {
      break;
    }
    await sleep(100);
  }
  assert.equal(held, [], "of dropped calls");
  assert.ok((await server.client.get({ key: largeKey })).entry);
});

test.run();
