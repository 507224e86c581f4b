import { toBinary } from "@bufbuild/protobuf";
import { drawProtocol, rpcRequest } from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawKeyValueMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { wholeRequest } from "./whole-request.js";

export const fieldsKind: InputKind = {
  name: "fields",
  what: "well-formed calls of KeyValueService with odd keys, values, numbers, times, conditions and ids",
  draw(random) {
    const method = drawKeyValueMethod(random);
    const protocol = drawProtocol(random, method);
    const message = toBinary(method.input, drawMessage(random, method.input));
    return wholeRequest(random, protocol, rpcRequest(method, protocol, "proto", message));
  },
};
