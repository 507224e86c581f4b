import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { reflectionServices } from "./reflection.js";

/** The services whose health is reported, and which reflection describes beside health and reflection themselves. */
export const servedServices = [KeyValueService, InfoService] as const;

/** A service, and what answers its calls. */
export interface ServedService {
  readonly service: DescService;
  /** By the local names of its methods. */
  readonly implementation: Readonly<Record<string, unknown>>;
  /** Of those of its streams which it can bring as messages in their envelopes. */
  readonly enveloped?: Readonly<Record<string, EnvelopedStream>>;
  /** Takes an envelope of such a stream back, once it was sent. Nobody need call it. */
  readonly reuseEnvelope?: (envelope: Buffer) => void;
}

/** A stream of messages, each encoded by protobuf and in its envelope. */
export type EnvelopedStream = (request: never, context: HandlerContext) => AsyncIterable<Buffer>;

export interface Implementations {
  readonly keyValue: {
    readonly implementation: ServiceImpl<typeof KeyValueService>;
    readonly enveloped: Readonly<Record<string, EnvelopedStream>>;
    readonly reuseEnvelope: (envelope: Buffer) => void;
  };
  readonly info: ServiceImpl<typeof InfoService>;
  readonly health: ServiceImpl<typeof Health>;
}

/** All services but reflection. */
export function createServices({ keyValue, info, health }: Implementations): readonly ServedService[] {
  const { implementation, enveloped, reuseEnvelope } = keyValue;
  return [
    { ...serve(KeyValueService, implementation), enveloped, reuseEnvelope },
    serve(InfoService, info),
    serve(Health, health),
  ];
}

/** Ties the service to its implementation, for the compiler. */
function serve<Service extends DescService>(service: Service, implementation: ServiceImpl<Service>): ServedService {
  return { service, implementation };
}

/** Every RPC that is served, by the path of its URL. */
export function methodsByPath(services: readonly ServedService[]): ReadonlyMap<string, DescMethod> {
  const all = [...services.map(({ service }) => service), ...reflectionServices];
  return new Map(
    all.flatMap(({ typeName, methods }) => methods.map((method) => [`/${typeName}/${method.name}`, method])),
  );
}
