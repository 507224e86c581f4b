import { createDynakvClient, type DynakvClient } from "./dynakv-client.js";
import { createGrpcJsTransport, type GrpcJsTransportOptions } from "./grpc-js-transport.js";

export type { DynakvClient } from "./dynakv-client.js";
export { createGrpcJsTransport, type GrpcJsTransport, type GrpcJsTransportOptions } from "./grpc-js-transport.js";

/**
 * The client of `@dynakv/client`, over a channel of @grpc/grpc-js: with its name resolution, load balancing, credentials
 * and service config. It connects with its first call.
 */
export function createClient(options: GrpcJsTransportOptions = {}): DynakvClient {
  const transport = createGrpcJsTransport(options);
  return createDynakvClient(transport, () => transport.close());
}
