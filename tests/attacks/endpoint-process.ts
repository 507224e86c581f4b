/** An engine in a process of its own that answers at once, as the bench's does, but ends an answer at 16 MB, as DynamoDB does. */
import { once } from "node:events";
import { createServer } from "node:http";
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
    const sent = answerOf(operation, Buffer.concat(chunks).toString("latin1"));
    const text = sent ?? '{"__type":"com.amazon.coral.validate#ValidationException","message":"no answer"}';
    response.writeHead(sent === undefined ? 400 : 200, {
      "content-type": "application/x-amz-json-1.0",
      "content-length": text.length,
    });
    response.end(text, "latin1");
  });
});

function answerOf(operation: string, body: string): string | undefined {
  try {
    return operation === "BatchGetItem" ? batch(body) : operation === "Scan" ? page(body) : answerTo(operation, body);
  } catch {
    // What a server asks to find out its rights is answered with an error.
    return undefined;
  }
}

function batch(body: string): string | undefined {
  const keys = [...body.matchAll(/"S":"([^"]*)"/g)].map(([, key = ""]) => key);
  let bytes = 0;
  const fits = keys.filter((key) => {
    bytes += Number(key.slice(1, key.indexOf(":")));
    return bytes <= maxAnswerBytes;
  });
  const answer = answerTo("BatchGetItem", fits.map((key) => `"S":"${key}"`).join());
  if (fits.length === keys.length) {
    return answer;
  }
  const left = keys.slice(fits.length).map((key) => ({ id: { S: key } }));
  return answer?.replace(
    /"UnprocessedKeys":\{\}\}$/,
    `"UnprocessedKeys":${JSON.stringify({ [table]: { Keys: left } })}}`,
  );
}

/** A page of a table that has no end: items of 2 KB. */
function page(body: string): string | undefined {
  const from = Number(/"ExclusiveStartKey":\{"id":\{"S":"v\d+:(\d+)"/.exec(body)?.[1] ?? -1) + 1;
  const keys = Array.from({ length: pageItems }, (_, n) => `v2000:${from + n}`);
  const items = answerTo("BatchGetItem", keys.map((key) => `"S":"${key}"`).join());
  const list = items === undefined ? undefined : /"[^"]*":(\[.*\])\},"UnprocessedKeys/s.exec(items)?.[1];
  return `{"Items":${list},"LastEvaluatedKey":{"id":{"S":"${keys.at(-1)}"}}}`;
}

answerQuestions({
  async start(): Promise<EngineAddress> {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", accessKeyId: "key", secretAccessKey: "secret" };
  },
});
