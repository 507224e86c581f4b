import { Buffer } from "node:buffer";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, credentials } from "@grpc/grpc-js";
import {
  GetRequestSchema,
  GetResponseSchema,
  KeyValueService,
  SetRequestSchema,
} from "../../gen/dynakv/v1/key_value_service_pb.js";
import type { Way } from "./way.js";

/** The services that one and the same caller, a client of @grpc/grpc-js, is measured with. */
export type Service = "dynakv" | "dapr" | "etcd";

/** A unary method: its path, its request from what is asked, and what its response says. */
interface Method<Asked, Said> {
  readonly path: string;
  write(asked: Asked): Uint8Array;
  read(response: Uint8Array): Said;
}

interface Methods {
  readonly get: Method<string, Uint8Array | undefined>;
  readonly set: Method<{ key: string; value: Uint8Array }, void>;
}

/** The name that the state store has in Dapr. */
export const daprStore = "bench";

const methods: Record<Service, Methods> = {
  dynakv: {
    get: {
      path: `/${KeyValueService.typeName}/Get`,
      write: (key) => toBinary(GetRequestSchema, create(GetRequestSchema, { key })),
      read(response) {
        const data = fromBinary(GetResponseSchema, response).entry?.data;
        return data?.case === "value" ? data.value : undefined;
      },
    },
    set: {
      path: `/${KeyValueService.typeName}/Set`,
      write: (asked) => toBinary(SetRequestSchema, create(SetRequestSchema, asked)),
      read: () => {},
    },
  },
  // dapr.proto.runtime.v1: GetStateRequest { store_name = 1, key = 2 }, GetStateResponse { data = 1 },
  // SaveStateRequest { store_name = 1, states = 2 }, StateItem { key = 1, value = 2 }
  dapr: {
    get: {
      path: "/dapr.proto.runtime.v1.Dapr/GetState",
      write: (key) => new BinaryWriter().tag(1, delimited).string(daprStore).tag(2, delimited).string(key).finish(),
      read: (response) => bytesIn(response, 1),
    },
    set: {
      path: "/dapr.proto.runtime.v1.Dapr/SaveState",
      write: ({ key, value }) =>
        new BinaryWriter()
          .tag(1, delimited)
          .string(daprStore)
          .tag(2, delimited)
          .bytes(keyAndValue(key, value))
          .finish(),
      read: () => {},
    },
  },
  // etcdserverpb: RangeRequest { key = 1 }, RangeResponse { kvs = 2 }, mvccpb.KeyValue { value = 5 }, PutRequest { key = 1, value = 2 }
  etcd: {
    get: {
      path: "/etcdserverpb.KV/Range",
      write: (key) => new BinaryWriter().tag(1, delimited).string(key).finish(),
      read(response) {
        const found = bytesIn(response, 2);
        return found === undefined ? undefined : bytesIn(found, 5);
      },
    },
    set: {
      path: "/etcdserverpb.KV/Put",
      write: ({ key, value }) => keyAndValue(key, value),
      read: () => {},
    },
  },
};

const delimited = WireType.LengthDelimited;

function keyAndValue(key: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(1, delimited).string(key).tag(2, delimited).bytes(value).finish();
}

/** A field of a message whose code is not generated here. */
function bytesIn(message: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted) {
      return reader.bytes();
    }
    reader.skip(type);
  }
  return undefined;
}

/** A client of @grpc/grpc-js for single values, with its defaults. */
export function createGrpcJsWay(service: Service, address: string): Way {
  const client = new Client(new URL(address).host, credentials.createInsecure());
  const { get, set } = methods[service];
  const missing = () => Promise.reject(new Error("services are compared by single values alone"));
  return {
    get: (key) => call(client, get, key),
    set: (key, value) => call(client, set, { key, value }),
    incr: missing,
    mget: missing,
  };
}

function call<Asked, Said>(client: Client, { path, write, read }: Method<Asked, Said>, asked: Asked): Promise<Said> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (request: Asked) => Buffer.from(write(request)),
      (response: Buffer) => read(response),
      asked,
      (error, said) => (error === null ? resolve(said as Said) : reject(error)),
    );
  });
}
