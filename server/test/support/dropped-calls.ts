import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { KeyValueService, MGetRequestSchema, SetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { encodeFrame, encodeFrames, type Frame, frameTypes, preface, settingsFrame, uint32 } from "./wire/frames.js";
import { encodeHttp1, http2Frames, rpcRequest } from "./wire/requests.js";

/** A key that holds a large value: many of them fill every buffer on the way to a client that does not read. */
export const largeKey = "large";

/** A moment of a call in which its client leaves. */
export interface Phase {
  readonly name: string;
  /** What is sent until then. */
  readonly bytes: Uint8Array;
  /** What is waited for then. The default is nothing. */
  readonly until?: "answered" | "working";
  /** Whether the client has stopped to read. */
  readonly deaf?: boolean;
}

export const departures = ["close", "reset", "half-close"] as const;
export type Departure = (typeof departures)[number];

const { set, mGet } = KeyValueService.method;
const value = new Uint8Array(1000);
const setMessage = toBinary(SetRequestSchema, create(SetRequestSchema, { key: "dropped", value }));
const keys = Array.from({ length: 60 }, () => largeKey);
const mGetMessage = toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys }));

const setCall = http2Frames(rpcRequest(set, "grpc", "proto", setMessage));
const mGetCall = http2Frames(rpcRequest(mGet, "grpc", "proto", mGetMessage));
const watchCall = http2Frames(rpcRequest(Health.method.watch, "grpc", "proto", new Uint8Array()));
const opening = (...frames: readonly Frame[]) => Buffer.concat([preface, encodeFrames(frames)]);
const upTo = (frames: readonly Frame[], count: number, ofNext: number) => {
  const next = frames[count];
  const rest = next === undefined ? Buffer.alloc(0) : encodeFrame(next);
  return Buffer.concat([opening(...frames.slice(0, count)), rest.subarray(0, Math.floor(rest.length * ofNext))]);
};
const goaway: Frame = { type: frameTypes.goaway, flags: 0, stream: 0, payload: uint32(0, 0) };

const setHttp1 = encodeHttp1(rpcRequest(set, "connect", "proto", setMessage));
const headBytes = setHttp1.indexOf("\r\n\r\n") + 4;
const watchHttp1 = encodeHttp1(rpcRequest(Health.method.watch, "connect-stream", "proto", new Uint8Array()));
const mGetHttp1 = encodeHttp1(rpcRequest(mGet, "grpc-web", "proto", mGetMessage));

export const phases: readonly Phase[] = [
  { name: "after the connection", bytes: Buffer.alloc(0) },
  { name: "in the HTTP/2 preface", bytes: preface.subarray(0, 12) },
  { name: "after the preface", bytes: preface },
  { name: "after SETTINGS", bytes: opening(settingsFrame()), until: "answered" },
  { name: "in the middle of HEADERS", bytes: upTo(setCall, 1, 0.5) },
  { name: "after HEADERS", bytes: upTo(setCall, 2, 0) },
  { name: "in the middle of the body", bytes: upTo(setCall, 2, 0.5) },
  { name: "while the engine works", bytes: upTo(setCall, 3, 0), until: "working" },
  { name: "in the middle of the answer's stream", bytes: opening(...mGetCall), until: "answered", deaf: true },
  { name: "while it watches", bytes: opening(...watchCall), until: "answered" },
  { name: "after its GOAWAY", bytes: opening(...setCall, goaway), until: "working" },
  { name: "in the middle of an HTTP/1 line", bytes: setHttp1.subarray(0, 10) },
  { name: "in the middle of an HTTP/1 head", bytes: setHttp1.subarray(0, headBytes - 10) },
  { name: "after an HTTP/1 head", bytes: setHttp1.subarray(0, headBytes) },
  { name: "in the middle of an HTTP/1 body", bytes: setHttp1.subarray(0, headBytes + 500) },
  { name: "while the engine works, over HTTP/1", bytes: setHttp1, until: "working" },
  { name: "in the middle of the answer's stream, over HTTP/1", bytes: mGetHttp1, until: "answered", deaf: true },
  { name: "while it watches, over HTTP/1", bytes: watchHttp1, until: "answered" },
];

/** How long a call is let work before its client leaves: shorter than the engine takes. */
export const workingMs = 30;

/** Opens a connection, goes as far in a call as the phase says, and leaves. Resolves once this side knows nothing of it. */
export async function dropCall(port: number, phase: Phase, departure: Departure): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(phase.bytes);
  if (phase.until === "answered") {
    await once(socket, "readable");
    if (!phase.deaf) {
      socket.resume();
    }
  } else {
    socket.resume();
    await sleep(phase.until === "working" ? workingMs : 1);
  }
  await leave(socket, departure);
}

async function leave(socket: Socket, departure: Departure): Promise<void> {
  const closed = new Promise((resolve) => socket.once("close", resolve));
  switch (departure) {
    case "reset":
      socket.resetAndDestroy();
      break;
    case "close":
      socket.destroy();
      break;
    case "half-close":
      socket.end();
      await Promise.race([closed, sleep(50)]);
      socket.destroy();
  }
  await closed;
}
