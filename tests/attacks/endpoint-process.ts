/** An engine in a process of its own that answers at once, as the bench's does, but ends an answer at 16 MB, as DynamoDB does. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerTo } from "../../bench/engine/answers.js";
import { type EngineAddress, table } from "../../bench/load.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";

const maxAnswerBytes = 16 * 1024 * 1024;
/** How many items a page of a scan has, and how many pages there are. */
const pageItems = 500;

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const operation = String(request.headers["x-amz-target"]).replace("DynamoDB_20120810.", "");
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const answer = answerOf(operation, Buffer.concat(chunks).toString("latin1"));
    void send(
      response,
      answer ?? ['{"__type":"com.amazon.coral.validate#ValidationException","message":"no answer"}'],
      answer,
    );
  });
});

/** Of ASCII, so that its length is that of its bytes. */
type Part = string | Buffer;

/** Many MB of it wait here until they are taken, and not as copies in the kernel. */
async function send(response: ServerResponse, parts: readonly Part[], answer: unknown): Promise<void> {
  response.writeHead(answer === undefined ? 400 : 200, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": parts.reduce((sum, part) => sum + part.length, 0),
  });
  response.on("error", () => {});
  for (const part of parts.every((each) => typeof each === "string") ? [parts.join("")] : parts) {
    if (response.destroyed) {
      return;
    }
    if (!response.write(part, "latin1")) {
      await Promise.race([once(response, "drain"), once(response, "close")]).catch(() => {});
    }
  }
  response.end();
}

function answerOf(operation: string, body: string): readonly Part[] | undefined {
  try {
    const plain = (): readonly Part[] | undefined => {
      if (operation === "GetItem") {
        return ['{"Item":', ...itemAt(/"Key":\{"id":\{"S":"([^"]*)"/.exec(body)?.[1] ?? ""), "}"];
      }
      const text = operation === "Scan" ? page(body) : answerTo(operation, body);
      return text === undefined ? undefined : [text];
    };
    return operation === "BatchGetItem" ? batch(body) : plain();
  } catch {
    // What a server asks to find out its rights is answered with an error.
    return undefined;
  }
}

/** By their sizes, what stands in an item before the rest of its key, and after it. */
const items = new Map<string, readonly [before: Part, after: Part]>();
/** The answers of larger ones lie ready: to make them anew would keep the engine from what others ask of it. */
const largeBytes = 4096;

function itemAt(key: string): readonly Part[] {
  const colon = key.indexOf(":");
  const start = colon < 0 ? key : key.slice(0, colon + 1);
  let item = items.get(start);
  if (item === undefined) {
    const text = (answerTo("GetItem", `"Key":{"id":{"S":"${start}"}}`) ?? "").slice('{"Item":'.length, -1);
    const at = text.indexOf(start) + start.length;
    const after = text.slice(at);
    item = [text.slice(0, at), after.length < largeBytes ? after : Buffer.from(after, "latin1")];
    items.set(start, item);
  }
  const [before, after] = item;
  const head = `${before}${key.slice(start.length)}`;
  return typeof after === "string" ? [head + after] : [head, after];
}

function batch(body: string): readonly Part[] {
  const keys = [...body.matchAll(/"S":"([^"]*)"/g)].map(([, key = ""]) => key);
  let bytes = 0;
  const fits = keys.filter((key) => {
    bytes += Number(key.slice(1, key.indexOf(":")));
    return bytes <= maxAnswerBytes;
  });
  const found = fits.flatMap((key, n) => [n === 0 ? "" : ",", ...itemAt(key)]);
  const left = keys.slice(fits.length).map((key) => ({ id: { S: key } }));
  const unprocessed = left.length === 0 ? {} : { [table]: { Keys: left } };
  return [`{"Responses":{"${table}":[`, ...found, `]},"UnprocessedKeys":${JSON.stringify(unprocessed)}}`];
}

/** A page of a table that has no end: items of 2 KB, of which none has a prefix that is asked for. */
function page(body: string): string | undefined {
  const from = Number(/"ExclusiveStartKey":\{"id":\{"S":"v\d+:(\d+)"/.exec(body)?.[1] ?? -1) + 1;
  const keys = Array.from({ length: pageItems }, (_, n) => `v2000:${from + n}`);
  const last = `"LastEvaluatedKey":{"id":{"S":"${keys.at(-1)}"}}`;
  if (body.includes('":prefix"')) {
    return `{"Items":[],${last}}`;
  }
  const items = answerTo("BatchGetItem", keys.map((key) => `"S":"${key}"`).join());
  const list = items === undefined ? undefined : /"[^"]*":(\[.*\])\},"UnprocessedKeys/s.exec(items)?.[1];
  return `{"Items":${list},${last}}`;
}

answerQuestions({
  async start(): Promise<EngineAddress> {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", accessKeyId: "key", secretAccessKey: "secret" };
  },
});
