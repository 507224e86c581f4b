import { create, createFileRegistry, type DescService, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { ServerReflection as V1 } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as V1alpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { registerReflection } from "../../src/calls/reflection.js";
import { suite } from "../support/suite.js";
import { withPort } from "../support/test-port.js";

const test = suite("reflection");

type Query =
  | { case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType"; value: string }
  | { case: "fileContainingExtension"; value: { containingType: string; extensionNumber: number } }
  | { case: undefined };

const anyServices: Query = { case: "listServices", value: "" };
const bySymbol = (value: string): Query => ({ case: "fileContainingSymbol", value });
const byName = (value: string): Query => ({ case: "fileByFilename", value });
const byExtension = (containingType: string, extensionNumber: number): Query => ({
  case: "fileContainingExtension",
  value: { containingType, extensionNumber },
});
const numbersOf = (value: string): Query => ({ case: "allExtensionNumbersOfType", value });

/** Each version of the protocol, over each way that can carry its stream in both directions. */
const versions = { v1: V1, v1alpha: V1alpha };
const transports = {
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  "gRPC-web": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  Connect: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
};
type Version = keyof typeof versions;

/** Sends each query once the one before is answered, all in one stream, and returns the answers. */
async function ask(url: string, queries: readonly Query[], version: Version = "v1", transport = transports.gRPC) {
  const client = createClient(versions[version] as typeof V1, transport(url));
  const answers: Awaited<ReturnType<typeof nextAnswer>>[] = [];
  let wake = (): void => {};
  async function* requests() {
    for (const messageRequest of queries) {
      const answered = new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield { host: "here", messageRequest };
      await answered;
    }
  }
  const responses = client.serverReflectionInfo(requests())[Symbol.asyncIterator]();
  async function nextAnswer() {
    const { value, done } = await responses.next();
    return done ? undefined : value;
  }
  for (let answer = await nextAnswer(); answer !== undefined; answer = await nextAnswer()) {
    answers.push(answer);
    wake();
  }
  return answers.flatMap((answer) => (answer === undefined ? [] : [answer]));
}

type Answer = Awaited<ReturnType<typeof ask>>[number];

/** What an answer says, in short: the names of its files, services, its numbers, or its error. */
function summary({ messageResponse: { case: kind, value } }: Answer): unknown {
  switch (kind) {
    case "fileDescriptorResponse":
      return value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
    case "listServicesResponse":
      return value.service.map(({ name }) => name);
    case "allExtensionNumbersResponse":
      return { type: value.baseTypeName, numbers: value.extensionNumber };
    case "errorResponse":
      return Code[value.errorCode];
    default:
      return undefined;
  }
}

async function summaries(url: string, queries: readonly Query[]): Promise<unknown[]> {
  return (await ask(url, queries)).map(summary);
}

/** The schema that the files of an answer make: of the first, which is the one that was asked for, and of its imports. */
function schemaOf({ messageResponse: { case: kind, value } }: Answer): FileRegistry {
  if (kind !== "fileDescriptorResponse") {
    throw new Error(`files expected, not ${kind}`);
  }
  const files = value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const [first] = files;
  if (first === undefined) {
    throw new Error("no file");
  }
  return createFileRegistry(first, (name) => files.find((file) => file.name === name));
}

function withReflection(services: readonly DescService[], use: (url: string) => Promise<void>): Promise<void> {
  return withPort({ routes: (router) => registerReflection(router, services) }, ({ url }) => use(url));
}

/** A service whose schema has all that ours lacks: extensions, a oneof, nested types, an import of an import. */
const rich = (() => {
  const field = {
    number: 1,
    label: FieldDescriptorProto_Label.OPTIONAL,
    type: FieldDescriptorProto_Type.STRING,
  };
  const far = create(FileDescriptorProtoSchema, {
    name: "rich/far.proto",
    package: "rich",
    syntax: "proto2",
    messageType: [{ name: "Far", field: [{ ...field, name: "text" }] }],
  });
  const near = create(FileDescriptorProtoSchema, {
    name: "rich/near.proto",
    package: "rich",
    syntax: "proto2",
    dependency: ["rich/far.proto"],
    messageType: [
      {
        name: "Near",
        field: [{ ...field, name: "far", type: FieldDescriptorProto_Type.MESSAGE, typeName: ".rich.Far" }],
        extensionRange: [{ start: 100, end: 200 }],
      },
    ],
  });
  const service = create(FileDescriptorProtoSchema, {
    name: "rich/service.proto",
    package: "rich",
    syntax: "proto2",
    dependency: ["rich/near.proto"],
    messageType: [
      {
        name: "Outer",
        field: [{ ...field, name: "choice_text", oneofIndex: 0 }],
        oneofDecl: [{ name: "choice" }],
        nestedType: [{ name: "Inner", field: [{ ...field, name: "inner_text" }] }],
        enumType: [{ name: "Color", value: [{ name: "RED", number: 0 }] }],
        extension: [{ ...field, name: "nested_extra", number: 101, extendee: ".rich.Near" }],
      },
    ],
    enumType: [{ name: "Shape", value: [{ name: "ROUND", number: 0 }] }],
    extension: [{ ...field, name: "extra", number: 100, extendee: ".rich.Near" }],
    service: [{ name: "Service", method: [{ name: "Call", inputType: ".rich.Near", outputType: ".rich.Outer" }] }],
  });
  const found = createFileRegistry(create(FileDescriptorSetSchema, { file: [far, near, service] })).getService(
    "rich.Service",
  );
  if (found === undefined) {
    throw new Error("the schema of the test is broken");
  }
  return found;
})();

const richFiles = ["rich/service.proto", "rich/near.proto", "rich/far.proto"];

for (const version of ["v1", "v1alpha"] as const) {
  for (const [protocol, transport] of Object.entries(transports)) {
    test(`${version} over ${protocol} answers each kind of query in one stream`, () =>
      withReflection([rich], async (url) => {
        const queries = [
          anyServices,
          byName("rich/far.proto"),
          bySymbol("rich.Near"),
          byExtension("rich.Near", 100),
          numbersOf("rich.Near"),
        ];
        assert.equal((await ask(url, queries, version, transport)).map(summary), [
          [
            "rich.Service",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
          ],
          ["rich/far.proto"],
          ["rich/near.proto", "rich/far.proto"],
          richFiles,
          { type: "rich.Near", numbers: [100, 101] },
        ]);
      }));

    test(`${version} over ${protocol} answers what it does not know with NOT_FOUND, and goes on`, () =>
      withReflection([rich], async (url) => {
        const queries = [
          byName("rich/nowhere.proto"),
          bySymbol("rich.Nobody"),
          byExtension("rich.Near", 199),
          byExtension("rich.Nobody", 100),
          numbersOf("rich.Nobody"),
          byName("rich/far.proto"),
        ];
        assert.equal((await ask(url, queries, version, transport)).map(summary), [
          ...Array.from({ length: 5 }, () => "NotFound"),
          ["rich/far.proto"],
        ]);
      }));
  }

  test(`${version} repeats the request in its answer`, () =>
    withReflection([rich], async (url) => {
      const [listed, extended] = await ask(url, [anyServices, byExtension("rich.Near", 100)], version);
      assert.is(listed?.validHost, "here");
      assert.is(listed?.originalRequest?.host, "here");
      assert.is(listed?.originalRequest?.messageRequest.case, "listServices");
      const original = extended?.originalRequest?.messageRequest;
      assert.is(original?.case === "fileContainingExtension" && original.value.extensionNumber, 100);
    }));
}

test("a query of no kind is refused with INVALID_ARGUMENT, and the stream goes on", () =>
  withReflection([rich], async (url) => {
    assert.equal(await summaries(url, [{ case: undefined }, byName("rich/far.proto")]), [
      "InvalidArgument",
      ["rich/far.proto"],
    ]);
  }));

for (const symbol of [
  "rich.Service",
  "rich.Service.Call",
  "rich.Outer",
  "rich.Outer.choice_text",
  "rich.Outer.choice",
  "rich.Outer.Inner",
  "rich.Outer.Inner.inner_text",
  "rich.Outer.Color",
  "rich.Outer.RED",
  "rich.Outer.nested_extra",
  "rich.Shape",
  "rich.ROUND",
  "rich.extra",
]) {
  test(`the symbol ${symbol} is found, with all that its file imports`, () =>
    withReflection([rich], async (url) => {
      assert.equal(await summaries(url, [bySymbol(symbol)]), [richFiles]);
    }));
}

test("a message that nothing extends has no extension numbers", () =>
  withReflection([rich], async (url) => {
    assert.equal(await summaries(url, [numbersOf("rich.Far")]), [{ type: "rich.Far", numbers: [] }]);
  }));

test("an answer holds each file once, and all that is needed to call the service", () =>
  withReflection([KeyValueService], async (url) => {
    const [answer] = await ask(url, [bySymbol("dynakv.v1.KeyValueService")]);
    if (answer === undefined) {
      throw new Error("no answer");
    }
    const names = summary(answer);
    assert.ok(Array.isArray(names));
    assert.is(new Set(names).size, names.length);
    const service = schemaOf(answer).getService("dynakv.v1.KeyValueService");
    assert.equal(
      service?.methods.map(({ name, idempotency }) => ({ name, idempotency })),
      KeyValueService.methods.map(({ name, idempotency }) => ({ name, idempotency })),
    );
  }));

test("the details of errors are described, though no service imports them", () =>
  withReflection([KeyValueService], async (url) => {
    for (const name of ["dynakv.v1.ErrorDetail", "google.rpc.BadRequest", "google.rpc.RetryInfo"]) {
      const [answer] = await ask(url, [bySymbol(name)]);
      assert.ok(answer !== undefined && schemaOf(answer).getMessage(name), name);
    }
  }));

test("reflection and health describe themselves", () =>
  withReflection([], async (url) => {
    const answers = await ask(url, [
      bySymbol(V1.typeName),
      bySymbol(V1alpha.typeName),
      bySymbol("grpc.health.v1.Health"),
    ]);
    for (const answer of answers) {
      assert.ok([...schemaOf(answer)].some(({ kind }) => kind === "service"));
    }
  }));

test.run();
