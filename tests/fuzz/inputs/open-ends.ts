import { toBinary } from "@bufbuild/protobuf";
import { drawProtocol, encodeRpc, rpcRequest } from "../../../server/test/support/wire/requests.js";
import { drawInput, type InputKind, pause, type Step, send } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";

/** Requests that stop anywhere, come byte by byte, or go on without end. */
export const openEndsKind: InputKind = {
  name: "open-ends",
  what: "requests that stop anywhere, drip, or never end, on connections that are then closed, half closed or reset",
  draw(random) {
    const method = drawMethod(random);
    const protocol = drawProtocol(random, method);
    const message = toBinary(method.input, drawMessage(random, method.input));
    const bytes = encodeRpc(random, protocol, rpcRequest(method, protocol, "proto", message));
    const stop = random.below(Math.min(bytes.length, 2000) + 1);
    switch (random.below(4)) {
      case 0: {
        const size = Math.max(1, Math.ceil(stop / 10));
        const drops: Step[] = [];
        for (let at = 0; at < stop; at += size) {
          drops.push(send(bytes.subarray(at, at + size)), pause(random.below(4)));
        }
        return drawInput(random, ...drops);
      }
      case 1:
        // The rest is as long as the server takes of any, and longer than announced.
        return drawInput(random, send(bytes), ...Array.from({ length: 20 }, () => send(Buffer.alloc(60_000))));
      default:
        return drawInput(random, send(bytes.subarray(0, stop)), pause(random.below(30)));
    }
  },
};
