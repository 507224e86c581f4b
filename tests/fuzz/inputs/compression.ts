import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import type { Random } from "../../../server/test/support/random.js";
import {
  drawProtocol,
  type HttpRequest,
  type RpcProtocol,
  rpcRequest,
} from "../../../server/test/support/wire/requests.js";
import type { InputKind } from "../kind.js";
import { drawMethod } from "../messages/methods.js";
import { drawMessage } from "../messages/random-message.js";
import { mutateBytes, randomBytes } from "../wire/mutate-bytes.js";
import { wholeRequest } from "./whole-request.js";

const names = [
  "gzip",
  "gzip",
  "gzip",
  "br",
  "br",
  "deflate",
  "identity",
  "snappy",
  "lzma",
  "GZIP",
  "gzip, gzip",
  "",
  "__proto__",
];

/** A few KB that say they are 64 MB: four times what the server reads of a request. */
const bombs = [gzipSync, brotliCompressSync].map((compress) => compress(Buffer.alloc(64 * 1024 * 1024)));
const doubleBombs = bombs.map((bomb) => gzipSync(bomb));

const compressors: readonly ((random: Random, message: Uint8Array) => Uint8Array)[] = [
  (_, message) => gzipSync(message),
  (_, message) => brotliCompressSync(message),
  (_, message) => deflateSync(message),
  (_, message) => message,
  (random, message) => mutateBytes(random, gzipSync(message)),
  (random, message) => gzipSync(message).subarray(0, random.below(20)),
  (_, message) => Buffer.concat([gzipSync(message), gzipSync(message)]),
  (random, message) => Buffer.concat([gzipSync(message), randomBytes(random, 20)]),
  (_, message) => gzipSync(gzipSync(message)),
  (random) => randomBytes(random, random.below(60)),
  () => new Uint8Array(),
];

const headerNames: Readonly<Record<RpcProtocol, string>> = {
  grpc: "grpc-encoding",
  "grpc-web": "grpc-encoding",
  connect: "content-encoding",
  "connect-stream": "connect-content-encoding",
};

function drawBody(random: Random, message: Uint8Array): Uint8Array {
  if (random.chance(0.03)) {
    return random.pick([...bombs, ...doubleBombs]);
  }
  return random.pick(compressors)(random, message);
}

export const compressionKind: InputKind = {
  name: "compression",
  what: "messages that are not what their compression says, cut, changed, doubled, or 64 MB in a few KB",
  draw(random) {
    const method = drawMethod(random);
    const protocol = drawProtocol(random, method);
    const message = toBinary(method.input, drawMessage(random, method.input)).subarray(0, 20_000);
    const header: HttpRequest["headers"] = random.chance(0.9) ? [[headerNames[protocol], random.pick(names)]] : [];
    const compressed = drawBody(random, message);
    const body = protocol === "connect" ? compressed : encodeEnvelope(random.chance(0.85) ? 1 : 0, compressed);
    return wholeRequest(random, protocol, { ...rpcRequest(method, protocol, "proto", message, header), body });
  },
};
