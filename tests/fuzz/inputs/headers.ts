import type { Random } from "../../../server/test/support/random.js";
import {
  encodeFrames,
  type Frame,
  flags,
  frameTypes,
  headerBlock,
  preface,
  settingsFrame,
} from "../../../server/test/support/wire/frames.js";
import { drawInput, type InputKind, pause, type Step, send } from "../kind.js";
import { marker } from "../messages/odd-values.js";
import { randomBytes } from "../wire/mutate-bytes.js";

type Fields = readonly (readonly [string, string])[];

const pseudo: Fields = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/dynakv.v1.KeyValueService/Get"],
  [":authority", "a"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
];

const oddFields: readonly ((random: Random) => Fields)[] = [
  (random) => [["x-long", "x".repeat(random.pick([4000, 16_000, 17_000, 70_000]))]],
  (random) => Array.from({ length: random.pick([50, 130, 1500, 3000]) }, (_, n) => [`x-${n}`, "y"] as const),
  (random) => [
    ["grpc-timeout", random.pick(["", "1", "0S", "-1S", "99999999H", "999999999S", "1x", "1e3S", " 5S", "00000001n"])],
  ],
  (random) => [["connect-timeout-ms", random.pick(["", "0", "-1", "99999999999", "1.5", "NaN", "0x10"])]],
  (random) => [["content-length", random.pick(["0", "1", "-1", "99999999999", "abc", "5, 5"])]],
  (random) => [
    ["content-type", random.pick(["", "application/grpc;", "application/grpc+", "application/grpc+xml", "a/b/c"])],
  ],
  (random) => [["authorization", `Bearer ${marker}${"x".repeat(random.below(3000))}`]],
  (random) => [
    ["origin", random.pick(["null", "http://localhost", "http://localhost.evil.example", "http://127.0.0.1:99999999"])],
  ],
  (random) => [["x-bin-bin", randomBytes(random, 30).toString("latin1")]],
  (random) => [[randomBytes(random, 1 + random.below(5)).toString("latin1"), "y"]],
  (random) => [["x-value", randomBytes(random, 1 + random.below(20)).toString("latin1")]],
  () => [["Upper-Case", "y"]],
  () => [
    ["connection", "keep-alive"],
    ["transfer-encoding", "chunked"],
  ],
  () => [
    ["__proto__", "y"],
    ["constructor", "y"],
  ],
  (random) => [[random.pick([":path", ":method", ":status", ":protocol", ":nonsense", ":authority"]), "y"]],
  () => [["", "no name"]],
  () => Array.from({ length: 60 }, () => ["grpc-encoding", "gzip"] as const),
  () => Array.from({ length: 60 }, () => ["cookie", "a=b"] as const),
];

function http2Steps(random: Random, fields: Fields): Step[] {
  const block = headerBlock(random.chance(0.1) ? [...fields, ...pseudo] : [...pseudo, ...fields]);
  const size = random.pick([1, 100, 16_384, 16_384]);
  const frames: Frame[] = [settingsFrame()];
  for (let at = 0; at < block.length && frames.length < 2000; at += size) {
    const isFirst = at === 0;
    frames.push({
      type: isFirst ? frameTypes.headers : frameTypes.continuation,
      flags: at + size >= block.length ? flags.endHeaders : 0,
      stream: 1,
      payload: block.subarray(at, at + size),
    });
  }
  frames.push({ type: frameTypes.data, flags: flags.endStream, stream: 1, payload: Buffer.alloc(5) });
  return [send(preface, encodeFrames(frames))];
}

function http1Steps(random: Random, fields: Fields): Step[] {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /dynakv.v1.KeyValueService/Get HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  if (random.chance(0.2)) {
    // A head that does not end, a line now and then.
    return [send(head), ...lines.slice(0, 5).flatMap((line) => [send(line), pause(3)])];
  }
  return [send(head, ...lines, "content-length: 11\r\n\r\n", '{"key":"a"}')];
}

export const headersKind: InputKind = {
  name: "headers",
  what: "headers that are too long, too many, endless, malformed or contradictory, over HTTP/1 and HTTP/2",
  draw(random) {
    const fields = Array.from({ length: 1 + random.below(2) }, () => random.pick(oddFields)(random)).flat();
    return drawInput(random, ...(random.chance(0.6) ? http2Steps(random, fields) : http1Steps(random, fields)));
  },
};
