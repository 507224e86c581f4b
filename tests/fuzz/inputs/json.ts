import { type DescMethod, type JsonValue, toJson } from "@bufbuild/protobuf";
import type { Random } from "../../../server/test/support/random.js";
import { type HttpRequest, rpcRequest } from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { mutateJson } from "../messages/mutate-json.js";
import { drawMessage } from "../messages/random-message.js";
import { mutateBytes } from "../wire/mutate-bytes.js";
import { wholeRequest } from "./whole-request.js";

/** JSON of a message. Times that JSON has no form for are left to the Protobuf kinds. */
export function drawJson(random: Random, { input }: DescMethod): JsonValue {
  for (;;) {
    try {
      return toJson(input, drawMessage(random, input));
    } catch {
      // Drawn again.
    }
  }
}

const documents: readonly ((random: Random, json: JsonValue) => string)[] = [
  (_, json) => JSON.stringify(json),
  (random, json) => JSON.stringify(mutateJson(random, json)),
  (random, json) => JSON.stringify(mutateJson(random, json)),
  (random, json) => JSON.stringify(mutateJson(random, json)),
  (random, json) => mutateBytes(random, Buffer.from(JSON.stringify(json))).toString("latin1"),
  (random) => "[".repeat(random.below(50_000)),
  (random) => '{"key":'.repeat(random.below(5000)),
  (_, json) => `\ufeff${JSON.stringify(json)}`,
  (_, json) => `${JSON.stringify(json)} ${JSON.stringify(json)}`,
  (_, json) => JSON.stringify(json).replace(/"(\w+)":/, '"$1":null,"$1":'),
  () => "",
  () => '{"key":"\\ud800","keys":["\\udfff"]}',
];

export const jsonKind: InputKind = {
  name: "json",
  what: "JSON with changed, missing, doubled and unknown names and values, of every method, by every protocol",
  draw(random) {
    const method = drawMethod(random);
    const body = Buffer.from(random.pick(documents)(random, drawJson(random, method)));
    // A plain document is taken for a stream as well: a line of JSON for each message comes back.
    const protocol = random.pick(["grpc", "grpc-web", "connect", "connect", "connect", "connect-stream"] as const);
    const headers: HttpRequest["headers"] = random.chance(0.2)
      ? [["connect-protocol-version", random.pick(["1", "2", ""])]]
      : [];
    return wholeRequest(random, protocol, rpcRequest(method, protocol, "json", body, headers));
  },
};
