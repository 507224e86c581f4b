/** A server of @grpc/grpc-js in a process of its own that answers health checks from memory, with messages of protobuf-es. */
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import {
  Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";

const { check } = Health.method;

const serializerOf = (schema: DescMessage) => (message: Message) => Buffer.from(toBinary(schema, message));
const parserOf = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes);

answerQuestions({
  async start(): Promise<string> {
    const server = new Server();
    server.addService(
      {
        Check: {
          path: `/${Health.typeName}/${check.name}`,
          requestStream: false,
          responseStream: false,
          requestSerialize: serializerOf(check.input),
          requestDeserialize: parserOf(check.input),
          responseSerialize: serializerOf(check.output),
          responseDeserialize: parserOf(check.output),
        },
      },
      {
        Check(_: ServerUnaryCall<Message, Message>, answer: sendUnaryData<Message>) {
          answer(null, create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus.SERVING }));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `http://127.0.0.1:${port}`;
  },
});
