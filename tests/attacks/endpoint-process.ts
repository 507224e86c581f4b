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

/** Many MB of it wait here until they are taken, and not as copies in the kernel. */
async function send(response: ServerResponse, parts: readonly string[], answer: unknown): Promise<void> {
  response.writeHead(answer === undefined ? 400 : 200, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": parts.reduce((sum, part) => sum + part.length, 0),
  });
  response.on("error", () => {});
  for (const part of parts) {
    if (response.destroyed) {
      return;
    }
    if (!response.write(part, "latin1")) {
      await Promise.race([once(response, "drain"), once(response, "close")]).catch(() => {});
    }
  }
  response.end();
}

function answerOf(operation: string, body: string): readonly string[] | undefined {
  try {
    const plain = () => {
      const text = operation === "Scan" ? page(body) : answerTo(operation, body);
      return text === undefined ? undefined : [text];
    };
    return operation === "BatchGetItem" ? batch(body) : plain();
  } catch {
    // What a server asks to find out its rights is answered with an error.
    return undefined;
  }
}

function batch(body: string): readonly string[] {
  const keys = [...body.matchAll(/"S":"([^"]*)"/g)].map(([, key = ""]) => key);
  let bytes = 0;
  const fits = keys.filter((key) => {
    bytes += Number(key.slice(1, key.indexOf(":")));
    return bytes <= maxAnswerBytes;
  });
  const items = fits.flatMap((key, n) => {
    const answer = answerTo("GetItem", `"Key":{"id":{"S":"${key}"}}`) ?? "";
    return [n === 0 ? "" : ",", answer.slice('{"Item":'.length, -1)];
  });
  const left = keys.slice(fits.length).map((key) => ({ id: { S: key } }));
  const unprocessed = left.length === 0 ? {} : { [table]: { Keys: left } };
  return [`{"Responses":{"${table}":[`, ...items, `]},"UnprocessedKeys":${JSON.stringify(unprocessed)}}`];
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
