import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  type MGetResponse,
  MGetResponseSchema,
  type ScanResponse,
  ScanResponseSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { decodedResults, type FoundResults } from "./found-results.js";
import { mgetFields, readWireResults, scanFields } from "./wire-results.js";

/** The results of one message. */
export interface FoundPage {
  readonly results: FoundResults;
  /** Of a scan's message. */
  readonly cursor: string;
}

/** Reads the messages of one kind of stream, in whatever form a transport brings them. */
export interface ResultReader<Response, Page = FoundPage> {
  ofMessage(message: Response): Page;
  ofBytes(bytes: Buffer): Page;
}

/** Decodes messages whole: for those that have nothing large in them. */
export function wholeReader<O extends DescMessage>(schema: O): ResultReader<MessageShape<O>, MessageShape<O>> {
  return { ofMessage: (message) => message, ofBytes: (bytes) => fromBinary(schema, plain(bytes)) };
}

export const mgetReader: ResultReader<MGetResponse> = {
  ofMessage: ({ results }) => ({ results: decodedResults(results), cursor: "" }),
  ofBytes: (bytes) =>
    readWireResults(bytes, mgetFields) ?? mgetReader.ofMessage(fromBinary(MGetResponseSchema, plain(bytes))),
};

export const scanReader: ResultReader<ScanResponse> = {
  ofMessage: ({ results, cursor }) => ({ results: decodedResults(results), cursor }),
  ofBytes: (bytes) =>
    readWireResults(bytes, scanFields) ?? scanReader.ofMessage(fromBinary(ScanResponseSchema, plain(bytes))),
};

/** The same without values and counters: such messages are small. */
export const mgetMetadataReader: ResultReader<MGetResponse> = {
  ofMessage: ({ results }) => ({ results: decodedResults(results, true), cursor: "" }),
  ofBytes: (bytes) => mgetMetadataReader.ofMessage(fromBinary(MGetResponseSchema, plain(bytes))),
};

export const scanMetadataReader: ResultReader<ScanResponse> = {
  ofMessage: ({ results, cursor }) => ({ results: decodedResults(results, true), cursor }),
  ofBytes: (bytes) => scanMetadataReader.ofMessage(fromBinary(ScanResponseSchema, plain(bytes))),
};

/** Fields of type bytes are views of what is parsed: of a Buffer they would be Buffers. */
function plain({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
