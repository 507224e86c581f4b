import { fromJson, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createGrpcJsTransport } from "../../../client/src/grpc-js-transport.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Json } from "../json.js";
import { errorAnswer, type InteropClient, isStream, messagesAnswer, methodNamed, readDetail } from "./client.js";

/** The generated client of Connect over each of its protocols. */
export function connectClients(url: string): InteropClient[] {
  return [
    generatedClient("Connect", createConnectTransport({ baseUrl: url, httpVersion: "2" })),
    generatedClient("gRPC", createGrpcTransport({ baseUrl: url })),
    generatedClient("gRPC-web", createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" })),
  ];
}

/** The same over the channel of @grpc/grpc-js. */
export function grpcJsClient(address: string): InteropClient {
  const transport = createGrpcJsTransport({ address });
  return { ...generatedClient("@grpc/grpc-js", transport), stop: async () => transport.close() };
}

function generatedClient(title: string, transport: Transport): InteropClient {
  const client = createClient(KeyValueService, transport);
  return {
    title,
    async call(name, request) {
      const { input, output } = methodNamed(name);
      const message = fromJson(input, request as JsonValue);
      try {
        const answers: MessageShape<typeof output>[] = [];
        const method = methodNamed(name).localName as keyof typeof client;
        const answer = client[method](message as never) as unknown;
        if (isStream(name)) {
          for await (const each of answer as AsyncIterable<MessageShape<typeof output>>) {
            answers.push(each);
          }
        } else {
          answers.push(await (answer as Promise<MessageShape<typeof output>>));
        }
        return messagesAnswer(
          name,
          answers.map((answer) => toJson(output, answer) as Json),
        );
      } catch (error) {
        if (!(error instanceof ConnectError)) {
          throw error;
        }
        return errorAnswer(error.code, error.rawMessage, error.details.map(readConnectDetail));
      }
    },
    stop: async () => {},
  };
}

function readConnectDetail(detail: ConnectError["details"][number]) {
  if (!("type" in detail)) {
    throw new Error("an error has a detail that was not received");
  }
  return readDetail({ type: detail.type, value: Buffer.from(detail.value).toString("base64") });
}
