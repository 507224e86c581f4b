import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type HandlerContext } from "@connectrpc/connect";

/** The suite's messages, as far as they are used here. Their schema is read when the program starts. */
interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

interface ErrorDefinition {
  readonly code: Code;
  readonly message?: string;
  readonly details: readonly Any[];
}

interface Definition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
}

interface UnaryDefinition extends Definition {
  readonly response:
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: "error"; readonly value: ErrorDefinition }
    | { readonly case: undefined };
}

interface StreamDefinition extends Definition {
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorDefinition;
}

type UnaryRequest = Message & { readonly responseDefinition?: UnaryDefinition };
type StreamRequest = Message & { readonly responseDefinition?: StreamDefinition; readonly fullDuplex?: boolean };

/** Answers every call as its request says, and tells what it has seen of it. */
export function createConformanceService(messageNamed: (name: string) => DescMessage): Record<string, unknown> {
  function requestInfo(context: HandlerContext, requests: readonly Message[]) {
    const timeoutMs = context.timeoutMs();
    const query = [...new URL(context.url).searchParams].map(([name, value]) => ({ name, value: [value] }));
    return {
      requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
      requests: requests.map((request) => anyPack(messageNamed(shortName(request)), request)),
      ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.round(timeoutMs)) }),
      ...(context.requestMethod === "GET" ? { connectGetInfo: { queryParams: query } } : {}),
    };
  }

  function toError(definition: ErrorDefinition, info?: Record<string, unknown>): ConnectError {
    const error = new ConnectError(definition.message ?? "", definition.code);
    error.details = definition.details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/^.*\//, ""), value }));
    if (info !== undefined) {
      const schema = messageNamed("ConformancePayload.RequestInfo");
      error.details.push({ type: schema.typeName, value: toBinary(schema, create(schema, info)) });
    }
    return error;
  }

  async function answerOnce(
    definition: UnaryDefinition | undefined,
    requests: readonly Message[],
    context: HandlerContext,
  ) {
    addAll(context, definition);
    await sleep(definition?.responseDelayMs ?? 0);
    const info = requestInfo(context, requests);
    const { response } = definition ?? { response: { case: undefined } };
    if (response.case === "error") {
      throw toError(response.value, info);
    }
    return { payload: { requestInfo: info, ...(response.case === undefined ? {} : { data: response.value }) } };
  }

  /** What a stream answers; with `next`, a request is waited for before each answer but the first. */
  async function* answerMany(
    definition: StreamDefinition | undefined,
    requests: readonly Message[],
    context: HandlerContext,
    next?: () => Promise<Message | undefined>,
  ) {
    let seen = requests;
    let isFirst = true;
    for (const data of definition?.responseData ?? []) {
      if (!isFirst && next !== undefined) {
        const request = await next();
        if (request === undefined) {
          break;
        }
        seen = [request];
      }
      await sleep(definition?.responseDelayMs ?? 0);
      const info = isFirst
        ? { requestInfo: requestInfo(context, seen) }
        : next !== undefined
          ? { requestInfo: { requests: requestInfo(context, seen).requests } }
          : {};
      yield { payload: { data, ...info } };
      isFirst = false;
    }
    if (definition?.error !== undefined) {
      throw toError(definition.error, isFirst ? requestInfo(context, seen) : undefined);
    }
  }

  const unary = (request: UnaryRequest, context: HandlerContext) =>
    answerOnce(request.responseDefinition, [request], context);

  return {
    unary,
    idempotentUnary: unary,
    serverStream(request: StreamRequest, context: HandlerContext) {
      addAll(context, request.responseDefinition);
      return answerMany(request.responseDefinition, [request], context);
    },
    async clientStream(stream: AsyncIterable<UnaryRequest>, context: HandlerContext) {
      const requests: UnaryRequest[] = [];
      for await (const request of stream) {
        requests.push(request);
      }
      return answerOnce(requests[0]?.responseDefinition, requests, context);
    },
    async *bidiStream(stream: AsyncIterable<StreamRequest>, context: HandlerContext) {
      const source = stream[Symbol.asyncIterator]();
      const take = async () => {
        const { done, value } = await source.next();
        return done === true ? undefined : value;
      };
      const first = await take();
      const definition = first?.responseDefinition;
      addAll(context, definition);
      const requests = first === undefined ? [] : [first];
      if (first?.fullDuplex === true) {
        yield* answerMany(definition, requests, context, take);
        return;
      }
      for (let request = await take(); request !== undefined; request = await take()) {
        requests.push(request);
      }
      yield* answerMany(definition, requests, context);
    },
  };
}

function shortName({ $typeName }: Message): string {
  return $typeName.replace("connectrpc.conformance.v1.", "");
}

function addAll({ responseHeader, responseTrailer }: HandlerContext, definition: Definition | undefined): void {
  for (const { name, value } of definition?.responseHeaders ?? []) {
    for (const each of value) {
      responseHeader.append(name, each);
    }
  }
  for (const { name, value } of definition?.responseTrailers ?? []) {
    for (const each of value) {
      responseTrailer.append(name, each);
    }
  }
}
