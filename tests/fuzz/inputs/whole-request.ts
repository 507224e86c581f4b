import type { Random } from "../../../server/test/support/random.js";
import { encodeRpc, type HttpRequest, type RpcProtocol } from "../../../server/test/support/wire/requests.js";
import { type Input, send } from "../kind.js";

/** A request that HTTP has nothing against, whatever is in it. */
export function wholeRequest(random: Random, protocol: RpcProtocol, request: HttpRequest): Input {
  return { steps: [send(encodeRpc(random, protocol, request))], leave: "end", mustAnswer: true };
}
