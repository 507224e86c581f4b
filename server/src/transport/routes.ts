import type { ConnectRouter, ConnectRouterOptions, ServiceImpl } from "@connectrpc/connect";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { CallErrors } from "./call-errors.js";
import type { HealthService } from "./health.js";
import { registerReflection } from "./reflection.js";
import { reportRefusedCalls } from "./refused-calls.js";

/** The services whose health is reported, and which reflection describes beside health and reflection themselves. */
export const servedServices = [KeyValueService, InfoService] as const;

export interface RouteOptions {
  readonly keyValue: ServiceImpl<typeof KeyValueService>;
  readonly info: ServiceImpl<typeof InfoService>;
  readonly health: HealthService;
  readonly callErrors: CallErrors;
}

export function createRoutes({ keyValue, info, health, callErrors }: RouteOptions): (router: ConnectRouter) => void {
  return (router) => {
    router.service(KeyValueService, keyValue);
    router.service(InfoService, info);
    health.register(router);
    registerReflection(router, servedServices);
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
    jsonOptions: { ignoreUnknownFields: false },
  } satisfies ConnectRouterOptions;
}
