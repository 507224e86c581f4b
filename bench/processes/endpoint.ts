/** An engine in a process of its own that answers DynamoDB's requests at once, and counts them. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { answerTo, readsBody } from "../engine/answers.js";
import type { EngineAddress } from "../load.js";

const requests: Record<string, number> = {};
/** How long each answer takes, in milliseconds. */
let latencyMs = 0;

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const operation = String(request.headers["x-amz-target"]).replace("DynamoDB_20120810.", "");
  requests[operation] = (requests[operation] ?? 0) + 1;
  let body = "";
  if (readsBody(operation)) {
    request.setEncoding("latin1").on("data", (text: string) => {
      body += text;
    });
  } else {
    request.resume();
  }
  request.on("end", () => answer(response, operation, body));
});

function answer(response: ServerResponse, operation: string, body: string): void {
  let text: string | undefined;
  let message = `there is no answer to ${operation}`;
  try {
    text = answerTo(operation, body);
  } catch (error) {
    message = (error as Error).message;
  }
  const sent = text ?? JSON.stringify({ __type: "com.amazon.coral.validate#ValidationException", message });
  response.writeHead(text === undefined ? 400 : 200, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": sent.length,
    "x-amzn-requestid": "00000000000000000000000000000000000000000000000000AA",
  });
  // Everything in it is ASCII.
  if (latencyMs === 0) {
    response.end(sent, "latin1");
  } else {
    setTimeout(() => response.end(sent, "latin1"), latencyMs);
  }
}

answerQuestions({
  async start(options?: { readonly latencyMs: number }): Promise<EngineAddress> {
    latencyMs = options?.latencyMs ?? 0;
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", accessKeyId: "key", secretAccessKey: "secret" };
  },
  /** How many requests there were of each operation since the start. */
  requests: () => requests,
});
