/** A server of the suite's service, by the layers that stand before dynakv's own services. Started by connectconformance. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { create, createFileRegistry, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { createMemoryBudget } from "../../server/src/admission/memory-budget.js";
import { createDeadlineInterceptor } from "../../server/src/calls/deadline.js";
import { createDispatch } from "../../server/src/calls/dispatch.js";
import { createErrorReporter } from "../../server/src/calls/errors/report-error.js";
import { createPipeline } from "../../server/src/calls/pipeline.js";
import { createPort } from "../../server/src/listener/port.js";
import { createConformanceService } from "./service.js";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(process.argv[2] ?? "")));

function messageNamed(name: string): DescMessage {
  const found = registry.getMessage(`connectrpc.conformance.v1.${name}`);
  if (found === undefined) {
    throw new Error(`the schema has no ${name}`);
  }
  return found;
}

/** A message of stdin: four bytes of its length, then itself. */
async function readRequest(): Promise<{ messageReceiveLimit: number }> {
  let received = Buffer.alloc(0);
  while (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) {
    const [chunk] = (await once(process.stdin, "data")) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  const request = fromBinary(messageNamed("ServerCompatRequest"), received.subarray(4));
  return request as unknown as { messageReceiveLimit: number };
}

function writeResponse(port: number): void {
  const schema = messageNamed("ServerCompatResponse");
  const response = toBinary(schema, create(schema, { host: "127.0.0.1", port }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(response.length);
  process.stdout.write(Buffer.concat([length, response]));
}

const { messageReceiveLimit } = await readRequest();
const limits = {
  maxRequestBytes: messageReceiveLimit || 4_194_304,
  maxKeys: Number.POSITIVE_INFINITY,
  maxDeadlineMs: 3_600_000,
};
const service = registry.getService("connectrpc.conformance.v1.ConformanceService");
if (service === undefined) {
  throw new Error("the schema has no ConformanceService");
}
const implementation = createConformanceService(messageNamed);
/** Its one stream of answers, as it may be written without Connect: message by message, each in its envelope. */
const enveloped = {
  async *serverStream(request: never, context: HandlerContext): AsyncGenerator<Buffer> {
    const schema = messageNamed("ServerStreamResponse");
    const stream = implementation.serverStream as (request: never, context: HandlerContext) => AsyncIterable<Message>;
    for await (const message of stream(request, context)) {
      yield Buffer.from(encodeEnvelope(0, toBinary(schema, create(schema, message))));
    }
  },
};
const port = createPort({
  onExchange: createDispatch({
    ...limits,
    services: [{ service, implementation, enveloped }],
    pipeline: createPipeline({ deadline: createDeadlineInterceptor(limits.maxDeadlineMs) }),
    memory: createMemoryBudget({ limit: 16 * limits.maxRequestBytes }),
    errors: createErrorReporter(limits, () => {}),
    shutdownSignal: new AbortController().signal,
    cors: { isAllowedOrigin: () => false },
    registry,
  }),
  maxStreams: 1000,
});
writeResponse((await port.listen("127.0.0.1", 0)).port);
process.once("SIGTERM", () => port.close(0).then(() => process.exit()));
