import type { DescMethod, DescService, Registry } from "@bufbuild/protobuf";
import type { ConnectRouter, ConnectRouterOptions, ServiceImpl } from "@connectrpc/connect";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import type { CallErrors } from "./errors/report-error.js";
import { reportRefusedCalls } from "./errors/rewrite-errors.js";
import { reflectionServices, registerReflection } from "./reflection.js";
import { maxBytesOf } from "./request-bytes.js";

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

export function createRoutes(
  services: readonly ServedService[],
  { callErrors, maxRequestBytes }: Pick<ConnectOptions, "callErrors" | "maxRequestBytes">,
): (router: ConnectRouter) => void {
  return (router) => {
    for (const { service, implementation } of services) {
      const readMaxBytes = maxBytesOf(service, maxRequestBytes);
      router.service(service, implementation as Partial<ServiceImpl<DescService>>, { readMaxBytes });
    }
    registerReflection(router, servedServices, { readMaxBytes: maxBytesOf(reflectionServices[0], maxRequestBytes) });
    // Connect has no other place to stand between it and its handlers.
    router.handlers.splice(
      0,
      router.handlers.length,
      ...router.handlers.map((handler) => reportRefusedCalls(handler, callErrors.reportRefusal)),
    );
  };
}

export interface ConnectOptions {
  readonly callErrors: CallErrors;
  readonly maxRequestBytes: number;
  readonly maxDeadlineMs: number;
  /** Aborts the calls that are still running when the time for draining is over. */
  readonly shutdownSignal: AbortSignal;
  /** The types that a google.protobuf.Any may hold in JSON. No service of dynakv's has any. */
  readonly registry?: Registry;
}

/** Connect's options, where its defaults do not suit a server of small values. */
export function createConnectOptions(options: ConnectOptions) {
  return {
    interceptors: [options.callErrors.interceptor],
    readMaxBytes: options.maxRequestBytes,
    maxTimeoutMs: options.maxDeadlineMs,
    shutdownSignal: options.shutdownSignal,
    // Nearly every client accepts gzip, and Connect would compress from 1 KiB on: at that size it costs several times
    // what the call does. Requests may be compressed all the same.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    // A misspelt field of a write is a condition that is not checked.
    jsonOptions: { ignoreUnknownFields: false, ...(options.registry && { registry: options.registry }) },
  } satisfies ConnectRouterOptions;
}
