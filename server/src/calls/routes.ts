import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
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
}

export interface Implementations {
  readonly keyValue: ServiceImpl<typeof KeyValueService>;
  readonly info: ServiceImpl<typeof InfoService>;
  readonly health: ServiceImpl<typeof Health>;
}

/** All services but reflection. */
export function createServices({ keyValue, info, health }: Implementations): readonly ServedService[] {
  return [serve(KeyValueService, keyValue), serve(InfoService, info), serve(Health, health)];
}

/** Where the compiler sees that the two belong together. */
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
