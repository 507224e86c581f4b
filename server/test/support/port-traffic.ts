import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  Health,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../gen/grpc/health/v1/health_pb.js";
import type { Port } from "../../src/listener/port.js";
import type { RequestHandler } from "./test-port.js";
import { waitUntil } from "./wait-until.js";

export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** An empty frame of SETTINGS: the client's first, and how the server's first begins but for its length. */
export const settings = "\0\0\0\x04\0\0\0\0\0";
export const settingsType = "\x04";
export const get = "GET / HTTP/1.1\r\nhost: here\r\n\r\n";
export const hello: RequestHandler = (_, response) => {
  response.end("hello");
};
/** Long enough to be waited for in vain by whoever waits for it. */
export const forever = 2 ** 31 - 1;

export const path = `/${Health.typeName}`;
export const check = (router: ConnectRouter) => router.service(Health, { check: () => ({ status: Status.SERVING }) });

/** Closes a port with all the time that its calls may want; rejects when it does not close by itself. */
export async function closeGracefully(port: Port): Promise<void> {
  let closed = false;
  const closing = port.close(forever).then(() => {
    closed = true;
  });
  await waitUntil("the port is closed", () => closed);
  await closing;
}

/** What an HTTP/2 server says first: nobody else starts like this. */
export const isHttp2 = (received: string): boolean => received[3] === settingsType;

/** A stream of large messages, which counts how often it is asked for one and how often it has ended. */
export function createFlood() {
  const counts = { started: 0, sent: 0, ended: 0 };
  const message = create(HealthCheckResponseSchema, { status: Status.SERVING });
  // An unknown field of 50,000 bytes: enough to fill every buffer on the way.
  message.$unknown = [{ no: 99, wireType: 2, data: Uint8Array.of(0xd0, 0x86, 0x03, ...new Uint8Array(50_000)) }];
  async function* watch(_: unknown, { signal }: HandlerContext) {
    counts.started++;
    try {
      while (!signal.aborted) {
        counts.sent++;
        yield message;
      }
    } finally {
      counts.ended++;
    }
  }
  return { counts, routes: (router: ConnectRouter) => router.service(Health, { watch }) };
}

/** Waits until nothing more is sent: the stream is blocked, as its client does not read. */
export async function waitUntilBlocked(counts: { sent: number }): Promise<void> {
  let before = 0;
  let same = 0;
  await waitUntil("the stream is blocked", () => {
    same = counts.sent > 0 && counts.sent === before ? same + 1 : 0;
    before = counts.sent;
    return same > 20;
  });
}
