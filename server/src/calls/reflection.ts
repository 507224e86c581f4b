import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter, type ConnectRouterOptions } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import {
  ServerReflection as V1,
  type ServerReflectionRequest as V1Request,
} from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflection as V1alpha,
  type ServerReflectionRequest as V1alphaRequest,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";

type Request = V1Request | V1alphaRequest;
type Query = Request["messageRequest"];
/** The answers as plain objects: they fit the messages of both versions. */
type Answer =
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/** The services by which tools ask. */
export const reflectionServices = [V1, V1alpha] as const;

/**
 * Adds server reflection to the routes, in both versions that tools ask for. It describes the given services and, beside
 * them, itself, the health service, and the details of errors, which no service imports and tools print all the same.
 */
export function registerReflection(
  router: ConnectRouter,
  services: readonly DescService[],
  options?: Pick<ConnectRouterOptions, "readMaxBytes">,
): void {
  const described = [...services, Health, ...reflectionServices];
  const index = indexFiles([...described.map(({ file }) => file), file_google_rpc_error_details]);
  const names = described.map(({ typeName }) => ({ name: typeName }));

  // The versions differ in nothing but the name of their package, so one implementation serves both.
  async function* serverReflectionInfo<R extends Request>(requests: AsyncIterable<R>) {
    for await (const request of requests) {
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request.messageRequest),
      };
    }
  }
  router.service(V1, { serverReflectionInfo }, options);
  router.service(V1alpha, { serverReflectionInfo }, options);

  function answer(query: Query): Answer {
    switch (query.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: names } };
      case "fileByFilename":
        return filesAnswer(index.files.get(query.value), `file "${query.value}"`);
      case "fileContainingSymbol":
        return filesAnswer(index.symbols.get(query.value), `symbol "${query.value}"`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = query.value;
        const file = index.extensions.get(containingType)?.get(extensionNumber);
        return filesAnswer(file, `extension ${extensionNumber} of "${containingType}"`);
      }
      case "allExtensionNumbersOfType": {
        const extensions = index.extensions.get(query.value);
        if (extensions === undefined) {
          return errorAnswer(Code.NotFound, `message "${query.value}" not found`);
        }
        const value = { baseTypeName: query.value, extensionNumber: [...extensions.keys()].sort((a, b) => a - b) };
        return { case: "allExtensionNumbersResponse", value };
      }
      default:
        return errorAnswer(Code.InvalidArgument, "unknown kind of reflection request");
    }
  }
}

/** The file and all that it needs. Itself first: that is how grpcurl tells which one it has asked for. */
function filesAnswer(file: DescFile | undefined, what: string): Answer {
  if (file === undefined) {
    return errorAnswer(Code.NotFound, `${what} not found`);
  }
  const fileDescriptorProto = [...withDependencies([file])].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

/** A query that fails is an answer like the others: the stream goes on. */
function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** Index of declarations by name. */
interface FileIndex {
  /** By file name, such as `dynakv/v1/entry.proto`. */
  readonly files: ReadonlyMap<string, DescFile>;
  /** By full name: of services and methods, messages, fields and oneofs, enums and their values, and extensions. */
  readonly symbols: ReadonlyMap<string, DescFile>;
  /** By the full name of the extended message, then by field number. Every message is there, most with nothing. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

function indexFiles(described: readonly DescFile[]): FileIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();

  const addExtension = (extension: DescExtension): void => {
    symbols.set(extension.typeName, extension.file);
    extensionsOf(extension.extendee).set(extension.number, extension.file);
  };
  const addEnum = ({ typeName, file, values }: DescEnum): void => {
    symbols.set(typeName, file);
    for (const { name } of values) {
      // As in C++, the values of an enum are its siblings.
      symbols.set(siblingName(typeName, name), file);
    }
  };
  const addMessage = (message: DescMessage): void => {
    const { typeName, file } = message;
    symbols.set(typeName, file);
    extensionsOf(message);
    for (const { name } of [...message.fields, ...message.oneofs]) {
      symbols.set(`${typeName}.${name}`, file);
    }
    message.nestedMessages.forEach(addMessage);
    message.nestedEnums.forEach(addEnum);
    message.nestedExtensions.forEach(addExtension);
  };
  const addService = ({ typeName, file, methods }: DescService): void => {
    symbols.set(typeName, file);
    for (const { name } of methods) {
      symbols.set(`${typeName}.${name}`, file);
    }
  };

  function extensionsOf({ typeName }: DescMessage): Map<number, DescFile> {
    const known = extensions.get(typeName) ?? new Map<number, DescFile>();
    extensions.set(typeName, known);
    return known;
  }

  for (const file of withDependencies(described)) {
    files.set(file.proto.name, file);
    file.services.forEach(addService);
    file.messages.forEach(addMessage);
    file.enums.forEach(addEnum);
    file.extensions.forEach(addExtension);
  }
  return { files, symbols, extensions };
}

/** The files and, after them, everything that they import, each once. */
function withDependencies(files: readonly DescFile[]): ReadonlySet<DescFile> {
  const found = new Set(files);
  // A set also iterates over what is added meanwhile.
  for (const file of found) {
    for (const dependency of file.dependencies) {
      found.add(dependency);
    }
  }
  return found;
}

function siblingName(typeName: string, name: string): string {
  return typeName.slice(0, typeName.lastIndexOf(".") + 1) + name;
}
