import { createClient as createGrpcJsClient } from "../../src/grpc-js.js";
import { createClient, type DynakvClient } from "../../src/index.js";
import { createClient as createWebClient } from "../../src/web.js";

/** A client of each entry of the package: Node's, grpc-js's and the browser's. */
export function createEachClient(address: string): readonly DynakvClient[] {
  return [createClient({ address }), createGrpcJsClient({ address }), createWebClient({ address })];
}
