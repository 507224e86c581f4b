/**
 * Sends an engine the PutItem requests of an MSet over sockets of its own, signed as the server signs them, and looks at nothing of an
 * answer but its status: the least that one request for each entry costs.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { toRequestBody } from "../../server/src/store/dynamodb/request-body.js";
import { createSigner } from "../../server/src/store/dynamodb/sigv4.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { measured } from "../caller/measured.js";
import { type EngineAddress, table } from "../load.js";

interface Writes {
  readonly engine: EngineAddress;
  readonly count: number;
  readonly inFlight: number;
}

const value = new Uint8Array(1000).map((_, n) => n * 167);
const contentType = "application/x-amz-json-1.0";
const target = "DynamoDB_20120810.PutItem";
const successStart = "HTTP/1.1 200 ";
/** The last byte of the answer, which is `{}`. */
const answerEnd = 0x7d;

function createRequests({ endpoint, region, ...credentials }: EngineAddress): (n: number) => Buffer {
  const { host } = new URL(endpoint);
  const sign = createSigner({ region, service: "dynamodb" });
  return (n) => {
    const body = toRequestBody({
      TableName: table,
      Item: {
        id: { S: `v1000:${n}` },
        result: { B: value },
        timestamp: { N: "1790000000.123" },
        dynakv_etag: { S: "mbg4b15hgZB0gBrc" },
      },
      ConditionExpression: "attribute_not_exists(#s)",
      ExpressionAttributeNames: { "#s": "dynakv_requests" },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const headers = sign({ host, path: "/", target, contentType, body }, credentials, Date.now());
    let head = `POST / HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\ncontent-length: ${body.length}\r\n`;
    for (let place = 0; place < headers.length; place += 2) {
      head += `${headers[place]}: ${headers[place + 1]}\r\n`;
    }
    return Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), body]);
  };
}

async function write({ engine, count, inFlight }: Writes): Promise<void> {
  const request = createRequests(engine);
  const { hostname, port } = new URL(engine.endpoint);
  let next = 0;
  let answered = 0;
  const sockets: Socket[] = [];
  await new Promise<void>((resolve, reject) => {
    for (let lane = 0; lane < inFlight; lane++) {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      sockets.push(socket);
      const sendNext = () => {
        if (next < count) {
          socket.write(request(next++));
        }
      };
      socket.on("connect", sendNext);
      socket.on("error", reject);
      socket.on("data", (answer) => {
        // Each is so short that it comes whole.
        if (answer.toString("latin1", 0, successStart.length) !== successStart || answer.at(-1) !== answerEnd) {
          reject(new Error("the engine answers with anything but a short success"));
        } else if (++answered === count) {
          resolve();
        } else {
          sendNext();
        }
      });
    }
  });
  await Promise.all(sockets.map((socket) => once(socket.destroy(), "close")));
}

answerQuestions({
  write: (writes: Writes) => measured(() => write(writes)),
});
