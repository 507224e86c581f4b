import { toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import type { Random } from "../../../server/test/support/random.js";
import { rpcRequest } from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { randomBytes } from "../wire/mutate-bytes.js";
import { wholeRequest } from "./whole-request.js";

const lengths = [0, 1, 4, 5, 0x7f, 0xffff, 0xffffff, 0x1000000, 0x1000001, 0x7fffffff, 0x80000000, 0xffffffff];
const allFlags = [0, 1, 2, 3, 4, 0x40, 0x7f, 0x80, 0x81, 0xff];

const forms: readonly ((random: Random, message: Uint8Array) => Uint8Array)[] = [
  (random, message) => lie(encodeEnvelope(0, message), random.pick(lengths)),
  (random, message) => lie(encodeEnvelope(0, message), message.length + random.below(5) - 2),
  (random, message) => encodeEnvelope(random.pick(allFlags), message),
  (random, message) => encodeEnvelope(0, message).subarray(0, random.below(message.length + 5)),
  (random, message) => Buffer.concat(Array.from({ length: random.below(6) }, () => encodeEnvelope(0, message))),
  (random, message) => Buffer.concat([encodeEnvelope(0, message), randomBytes(random, 1 + random.below(8))]),
  (random, message) => Buffer.concat([encodeEnvelope(0, message), encodeEnvelope(random.pick(allFlags), message)]),
  (random) => Buffer.alloc(5 * (1 + random.below(200))),
  (random) => randomBytes(random, random.below(40)),
];

function lie(envelope: Uint8Array, length: number): Uint8Array {
  const copy = Buffer.from(envelope);
  copy.writeUInt32BE(length >>> 0, 1);
  return copy;
}

export const envelopesKind: InputKind = {
  name: "envelopes",
  what: "gRPC, gRPC-web and Connect messages with wrong lengths and flags, cut, doubled, or followed by more",
  draw(random) {
    const method = drawMethod(random);
    const protocol = random.pick(["grpc", "grpc", "grpc-web", "connect-stream"] as const);
    const message = toBinary(method.input, drawMessage(random, method.input));
    const body = random.pick(forms)(random, message.subarray(0, 5000));
    return wholeRequest(random, protocol, { ...rpcRequest(method, protocol, "proto", message), body });
  },
};
