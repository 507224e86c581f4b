import { toBinary } from "@bufbuild/protobuf";
import type { Random } from "../../../server/test/support/random.js";
import { hpackInteger } from "../../../server/test/support/wire/frames.js";
import { drawProtocol, rpcRequest } from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { mutateBytes, randomBytes } from "../wire/mutate-bytes.js";
import { wholeRequest } from "./whole-request.js";

const forms: readonly ((random: Random, message: Uint8Array) => Uint8Array)[] = [
  mutateBytes,
  mutateBytes,
  mutateBytes,
  (random, message) => mutateBytes(random, mutateBytes(random, message)),
  (random) => randomBytes(random, random.below(80)),
  // Groups in groups, messages in messages, and fields whose length or number is as large as it gets.
  (random) => Buffer.alloc(1 + random.below(20_000), 0x0b),
  (random) => Buffer.alloc(1 + random.below(20_000), 0x1a),
  (random, message) =>
    Buffer.concat([message, Buffer.from("fafffffff00fffffffffffffffff7f", "hex"), randomBytes(random, 3)]),
  (random, message) => Buffer.concat([message, Buffer.of(0x0a), hpackInteger(2 ** random.below(53), 0, 0)]),
  (random, message) => Buffer.concat(Array.from({ length: 1 + random.below(50) }, () => message.subarray(0, 4000))),
];

export const protobufKind: InputKind = {
  name: "protobuf",
  what: "random bytes for messages, and changed messages of every method, by every protocol",
  draw(random) {
    const method = drawMethod(random);
    const protocol = drawProtocol(random, method);
    const message = random.pick(forms)(random, toBinary(method.input, drawMessage(random, method.input)));
    return wholeRequest(random, protocol, rpcRequest(method, protocol, "proto", message));
  },
};
