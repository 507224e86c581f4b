import { toBinary } from "@bufbuild/protobuf";
import type { Random } from "../../../server/test/support/random.js";
import {
  encodeFrame,
  type Frame,
  frameTypes,
  hpackInteger,
  preface,
  settingsFrame,
  uint32,
} from "../../../server/test/support/wire/frames.js";
import { http2Frames, rpcRequest } from "../../../server/test/support/wire/requests.js";
import { drawInput, type InputKind, pause, send } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { mutateBytes, randomBytes } from "../wire/mutate-bytes.js";

const highest = 2 ** 31 - 1;
const numbers = [0, 1, 2, 3, 5, 7, 100, 65_535, 65_536, highest, 2 ** 31, 2 ** 32 - 1];

/** Frames that no client sends, or not in this place. */
const oddFrames: readonly ((random: Random) => Frame)[] = [
  (random) => settingsFrame([random.below(10), random.pick(numbers)], [random.below(10), random.pick(numbers)]),
  (random) => ({ ...settingsFrame([4, 1]), payload: randomBytes(random, 1 + random.below(12)) }),
  (random) => ({ ...settingsFrame(), flags: 1, stream: random.pick(numbers), payload: randomBytes(random, 6) }),
  (random) => odd(random, frameTypes.windowUpdate, uint32(random.pick(numbers))),
  (random) => odd(random, frameTypes.windowUpdate, randomBytes(random, random.below(8))),
  (random) => odd(random, frameTypes.priority, Buffer.concat([uint32(random.pick(numbers)), randomBytes(random, 1)])),
  (random) => odd(random, frameTypes.priority, randomBytes(random, random.below(9))),
  (random) => odd(random, frameTypes.rstStream, uint32(random.pick(numbers))),
  (random) => odd(random, frameTypes.rstStream, randomBytes(random, random.below(8))),
  (random) => odd(random, frameTypes.ping, randomBytes(random, random.below(16))),
  (random) => odd(random, frameTypes.goaway, Buffer.concat([uint32(random.pick(numbers)), randomBytes(random, 9)])),
  (random) => odd(random, frameTypes.pushPromise, randomBytes(random, random.below(40))),
  (random) => odd(random, frameTypes.continuation, randomBytes(random, random.below(40))),
  (random) => odd(random, frameTypes.data, randomBytes(random, random.below(40))),
  (random) => odd(random, frameTypes.headers, randomBytes(random, random.below(60))),
  (random) => odd(random, frameTypes.headers, hpackInteger(2 ** (7 + random.below(40)), 7, 0x80)),
  (random) => odd(random, frameTypes.headers, hpackInteger(random.pick(numbers), 5, 0x20)),
  (random) => odd(random, 10 + random.below(246), randomBytes(random, random.below(60))),
];

function odd(random: Random, type: number, payload: Uint8Array): Frame {
  return { type, flags: random.below(256), stream: random.pick([0, 1, 1, 2, 3, highest]), payload };
}

const mutations: readonly ((random: Random, frames: readonly Frame[]) => readonly Frame[])[] = [
  (random, frames) => frames.toSpliced(random.below(frames.length + 1), 0, random.pick(oddFrames)(random)),
  (random, frames) => frames.toSpliced(random.below(frames.length + 1), 0, random.pick(oddFrames)(random)),
  (random, frames) => frames.toSpliced(random.below(frames.length), 1),
  (random, frames) => frames.toSpliced(random.below(frames.length + 1), 0, ...frames),
  (random, frames) => changeOne(random, frames, (frame) => ({ ...frame, type: random.below(12) })),
  (random, frames) => changeOne(random, frames, (frame) => ({ ...frame, flags: random.below(256) })),
  (random, frames) => changeOne(random, frames, (frame) => ({ ...frame, stream: random.pick(numbers) })),
  (random, frames) => changeOne(random, frames, (frame) => ({ ...frame, length: drawLength(random, frame) })),
  (random, frames) => changeOne(random, frames, (frame) => ({ ...frame, payload: mutateBytes(random, frame.payload) })),
  (random, frames) => frames.toSorted(() => random.number() - 0.5),
];

function changeOne(random: Random, frames: readonly Frame[], change: (frame: Frame) => Frame): readonly Frame[] {
  const at = random.below(frames.length);
  const frame = frames[at];
  return frame === undefined ? frames : frames.with(at, change(frame));
}

function drawLength(random: Random, { payload }: Frame): number {
  return random.chance(0.5) ? payload.length + random.below(9) - 4 : random.pick([0, 16_385, 0xffffff]);
}

/** Calls over HTTP/2 whose frames are changed, left out, doubled, moved, or joined by others. */
export const http2FramesKind: InputKind = {
  name: "http2-frames",
  what: "HTTP/2 frames with wrong lengths, types, flags, streams, order, settings, header blocks",
  draw(random) {
    const method = drawMethod(random);
    const message = toBinary(method.input, drawMessage(random, method.input));
    let frames: readonly Frame[] = http2Frames(rpcRequest(method, "grpc", "proto", message));
    for (let times = 1 + random.below(4); times > 0; times--) {
      frames = random.pick(mutations)(random, frames);
    }
    const opening = random.chance(0.03) ? mutateBytes(random, preface) : preface;
    const encoded = frames.map(encodeFrame);
    return random.chance(0.8)
      ? drawInput(random, send(opening, ...encoded))
      : drawInput(random, send(opening), ...encoded.flatMap((frame) => [send(frame), pause(random.below(3))]));
  },
};
