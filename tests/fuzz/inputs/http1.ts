import type { Random } from "../../../server/test/support/random.js";
import { encodeHttp1, type HttpRequest } from "../../../server/test/support/wire/requests.js";
import { drawInput, type InputKind, send } from "../kind.js";
import { mutateBytes } from "../wire/mutate-bytes.js";

const request: HttpRequest = {
  method: "POST",
  path: "/dynakv.v1.KeyValueService/Get",
  headers: [["content-type", "application/json"]],
  body: Buffer.from('{"key":"a"}'),
};
const path = request.path;
const json = "Content-Type: application/json\r\n";
const get = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${json}`;
const body = '{"key":"a"}';

const lengths = [
  "-1",
  "+11",
  "0x0b",
  "11, 11",
  "11, 12",
  "1e1",
  "99999999999999999999",
  "",
  " ",
  "11abc",
  "NaN",
  "012",
];
const chunkSizes = [
  "-1",
  "0x1",
  "zz",
  "fffffffffffffffff",
  "ffffffff",
  "b;".padEnd(20_000, "x"),
  "",
  " b",
  "B\t",
  "b\n",
];
const encodings = [
  "gzip, chunked",
  "chunked, chunked",
  "xchunked",
  "chunked ",
  "\tchunked",
  "identity",
  "chunked;q=1",
  "gzip",
];

/** Forms by which requests were smuggled past proxies, or broke servers, elsewhere. */
const forms: readonly ((random: Random) => string)[] = [
  (random) => `${get}Content-Length: ${random.pick(lengths)}\r\n\r\n${body}`,
  (random) => `${get}Content-Length: ${random.pick(lengths)}\r\nContent-Length: 11\r\n\r\n${body}`,
  (random) => `${get}Transfer-Encoding: chunked\r\n\r\n${random.pick(chunkSizes)}\r\n${body}\r\n0\r\n\r\n`,
  (random) => `${get}Transfer-Encoding: ${random.pick(encodings)}\r\n\r\nb\r\n${body}\r\n0\r\n\r\n`,
  () => `${get}Content-Length: 11\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get}\r\n`,
  () => `${get}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nb\r\n${body}\r\n0\r\n\r\n`,
  () => `${get}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  () => `${get}Transfer-Encoding:\n chunked\r\n\r\n0\r\n\r\n`,
  () => `${get}Transfer-Encoding: chunked\r\n\r\nb\r\n${body}\r\n0\r\nX-Trailer: 1\r\nContent-Length: 99\r\n\r\n`,
  (random) => `${get}Transfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(random.below(3000))}`,
  () => `${get}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n${body}`,
  () => `${get}Expect: anything\r\nContent-Length: 11\r\n\r\n${body}`,
  () => `${get}Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  () => `${get}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  () => `CONNECT example.com:80 HTTP/1.1\r\nHost: example.com\r\n\r\n`,
  (random) => `POST ${path} HTTP/${random.pick(["0.9", "1.0", "1.2", "2.0", "9", ""])}\r\nHost: localhost\r\n\r\n`,
  (random) =>
    `POST ${path} HTTP/1.1\r\n${random.pick(["", "Host: localhost\r\nHost: b\r\n", "Host:\r\n", "Host: a/../b@c\r\n"])}\r\n`,
  () => `POST ${path} HTTP/1.1\nHost: a\n\n`,
  () => `POST ${path} HTTP/1.1\rHost: a\r\r`,
  () => `\r\n\r\n\r\n${get}Content-Length: 11\r\n\r\n${body}`,
  () => `${get}X: a\0b\r\n\r\n`,
  () => `${get}X: a\r\n folded\r\n\r\n`,
  () => `${get}no colon\r\n\r\n`,
  (random) => `${get}Content-Length: 11\r\n\r\n${body}`.repeat(1 + random.below(100)),
  (random) =>
    `GET /${"a".repeat(random.below(3000))} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(1 + random.below(200)),
];

export const http1Kind: InputKind = {
  name: "http1",
  what: "HTTP/1 with wrong lengths, chunks and encodings, smuggling forms, upgrades, pipelines, changed bytes",
  draw: (random) =>
    random.chance(0.7)
      ? drawInput(random, send(random.pick(forms)(random)))
      : drawInput(random, send(mutateBytes(random, encodeHttp1(request)))),
};
