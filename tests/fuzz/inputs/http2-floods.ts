import type { Random } from "../../../server/test/support/random.js";
import {
  encodeFrame,
  encodeFrames,
  type Frame,
  flags,
  frameTypes,
  headerBlock,
  hpackField,
  preface,
  settingsFrame,
  uint32,
} from "../../../server/test/support/wire/frames.js";
import { http2Frames } from "../../../server/test/support/wire/requests.js";
import { drawInput, type InputKind, send } from "../kind.js";

const start = Buffer.concat([preface, encodeFrames([settingsFrame()])]);
const get = {
  method: "POST",
  path: "/dynakv.v1.KeyValueService/Get",
  headers: [["content-type", "application/grpc"]],
  body: Buffer.alloc(5),
} as const;
const empty = new Uint8Array();
const streamIds = (count: number) => Array.from({ length: count }, (_, n) => 2 * n + 1);

function repeat(frame: Frame, count: number): Buffer {
  const encoded = encodeFrame(frame);
  return Buffer.alloc(encoded.length * count, encoded);
}

/** Each far more often than any client would send it. */
const floods: Readonly<Record<string, (random: Random, count: number) => Uint8Array>> = {
  ping: (_, count) => repeat({ type: frameTypes.ping, flags: 0, stream: 0, payload: Buffer.alloc(8) }, count),
  settings: (_, count) => repeat(settingsFrame([4, 65_535]), count),
  "empty data": (_, count) =>
    Buffer.concat([
      encodeFrames(http2Frames(get).slice(1, 2)),
      repeat({ type: frameTypes.data, flags: 0, stream: 1, payload: empty }, count),
    ]),
  "rapid reset": (_, count) =>
    encodeFrames(
      streamIds(count).flatMap((stream) => [
        ...http2Frames(get, stream).slice(1, 2),
        { type: frameTypes.rstStream, flags: 0, stream, payload: uint32(8) },
      ]),
    ),
  "resets after whole calls": (_, count) =>
    encodeFrames(
      streamIds(Math.ceil(count / 4)).flatMap((stream) => [
        ...http2Frames(get, stream).slice(1),
        { type: frameTypes.rstStream, flags: 0, stream, payload: uint32(8) },
      ]),
    ),
  "resets of nothing": (_, count) =>
    encodeFrames(
      streamIds(count).map((stream) => ({ type: frameTypes.rstStream, flags: 0, stream, payload: uint32(8) })),
    ),
  "resets by the server": (_, count) =>
    encodeFrames(
      streamIds(count).flatMap((stream) => [
        ...http2Frames(get, stream).slice(1, 2),
        { type: frameTypes.windowUpdate, flags: 0, stream, payload: uint32(0) },
      ]),
    ),
  continuations: (_, count) =>
    Buffer.concat([
      encodeFrames([{ type: frameTypes.headers, flags: 0, stream: 1, payload: headerBlock([[":method", "POST"]]) }]),
      repeat({ type: frameTypes.continuation, flags: 0, stream: 1, payload: hpackField("x", "y") }, count),
    ]),
  "empty continuations": (_, count) =>
    Buffer.concat([
      encodeFrames([{ type: frameTypes.headers, flags: 0, stream: 1, payload: empty }]),
      repeat({ type: frameTypes.continuation, flags: 0, stream: 1, payload: empty }, count),
    ]),
  priorities: (random, count) =>
    repeat({ type: frameTypes.priority, flags: 0, stream: 1 + random.below(99), payload: Buffer.alloc(5, 3) }, count),
  "window updates": (random, count) =>
    repeat({ type: frameTypes.windowUpdate, flags: 0, stream: random.pick([0, 1]), payload: uint32(1) }, count),
  "open streams": (_, count) =>
    encodeFrames(streamIds(count).flatMap((stream) => http2Frames(get, stream).slice(1, 2))),
  calls: (_, count) =>
    encodeFrames(streamIds(Math.ceil(count / 4)).flatMap((stream) => http2Frames(get, stream).slice(1))),
  "header table": (_, count) => {
    // A field of 4 KB is put into the table once, and named by one byte so many times.
    const block = Buffer.concat([
      hpackField("x-bomb", "b".repeat(3900), true),
      Buffer.alloc(Math.min(count, 12_000), 0xbe),
    ]);
    return encodeFrames([
      { type: frameTypes.headers, flags: flags.endHeaders | flags.endStream, stream: 1, payload: block },
    ]);
  },
  "unknown frames": (_, count) => repeat({ type: 0xee, flags: 0, stream: 0, payload: Buffer.alloc(16) }, count),
};

const names = Object.keys(floods);

export const http2FloodsKind: InputKind = {
  name: "http2-floods",
  what: `hundreds or thousands at once of: ${names.join(", ")}`,
  draw(random) {
    const count = random.chance(0.1) ? 10_000 : 200 + random.below(800);
    return drawInput(random, send(start, floods[random.pick(names)]?.(random, count) ?? empty));
  },
};
