import { toBinary } from "@bufbuild/protobuf";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Random } from "../../../server/test/support/random.js";
import { type HttpRequest, pathOf } from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { randomBytes } from "../wire/mutate-bytes.js";
import { drawJson } from "./json.js";
import { wholeRequest } from "./whole-request.js";

const httpMethods = ["GET", "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "SEARCH"];
const paths = [
  "/",
  "*",
  "//",
  "/metrics",
  "/healthz",
  "/readyz",
  "/favicon.ico",
  "/dynakv.v1.KeyValueService",
  "/dynakv.v1.KeyValueService/",
  "/dynakv.v1.KeyValueService/get",
  "/dynakv.v1.KeyValueService/Get/",
  "/dynakv.v1.KeyValueService//Get",
  "/dynakv.v1.KeyValueService/__proto__",
  "/x/../dynakv.v1.KeyValueService/Get",
  "/%64ynakv.v1.KeyValueService/Get",
  "/dynakv.v1.KeyValueService/Get%00",
  "http://elsewhere/dynakv.v1.KeyValueService/Get",
  "http://[::1",
  "/?a=b",
  "/%",
  "/..%2f..%2fetc/passwd",
  `/${"a/".repeat(4000)}`,
];
const contentTypes = [
  "application/json",
  "application/proto",
  "application/grpc",
  "application/grpc-web+json",
  "application/connect+json",
  "application/json; charset=utf-16",
  "application/json;charset",
  "text/plain",
  "multipart/form-data; boundary=x",
  "application/x-www-form-urlencoded",
  "*/*",
  ";",
  "\xff",
];

function drawGet(random: Random): string {
  const method = random.chance(0.5) ? KeyValueService.method.get : drawMethod(random);
  const isJson = random.chance(0.5);
  const bytes = isJson
    ? JSON.stringify(drawJson(random, method))
    : toBinary(method.input, drawMessage(random, method.input));
  const message = Buffer.from(bytes).subarray(0, 3000);
  const query = new Map([
    ["connect", random.pick(["v1", "v1", "v2", ""])],
    ["encoding", random.chance(0.8) ? (isJson ? "json" : "proto") : random.pick(["xml", "", "__proto__"])],
    ["base64", random.pick(["1", "1", "0", "true", ""])],
    ["compression", random.pick(["identity", "identity", "gzip", "br", "lzma", ""])],
    ["message", random.chance(0.7) ? message.toString("base64url") : encodeURIComponent(message.toString("latin1"))],
  ]);
  for (const name of [...query.keys()]) {
    if (random.chance(0.1)) {
      query.delete(name);
    }
  }
  const pairs = [...query].map(([name, value]) => `${name}=${value}`);
  if (random.chance(0.1)) {
    pairs.push(random.pick(["message=%", "message", "=", "connect=v1", "%00=%00", "message=%ff%fe"]));
  }
  return `${pathOf(method)}?${pairs.join("&")}`;
}

function drawPath(random: Random): string {
  switch (random.below(5)) {
    case 0:
      return random.pick(paths);
    case 1:
      return `/${encodeURI(randomBytes(random, random.below(40)).toString("latin1"))}`;
    case 2:
      return pathOf(drawMethod(random));
    default:
      return drawGet(random);
  }
}

export const urlsKind: InputKind = {
  name: "urls",
  what: "URLs, HTTP methods and content-types of every kind, and Connect's GET with every kind of query",
  draw(random) {
    const headers: HttpRequest["headers"] = random.chance(0.5) ? [["content-type", random.pick(contentTypes)]] : [];
    const body = random.chance(0.3) ? Buffer.from('{"key":"a"}') : new Uint8Array();
    const request = { method: random.pick(httpMethods), path: drawPath(random), headers, body };
    return { ...wholeRequest(random, "connect", request), mustAnswer: false };
  },
};
