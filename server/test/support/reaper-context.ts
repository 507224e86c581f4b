import { createRequestWindow } from "../../src/store/counters/request-window.js";
import { createSdkTablePlane } from "../../src/store/dynamodb/sdk-table-plane.js";
import { createItemLayout } from "../../src/store/layout/item-layout.js";
import type { StoreContext } from "../../src/store/store-context.js";
import type { TestServer } from "./test-server.js";

/** What a reaper of the server's needs to go over its table when a test says so. */
export function reaperContext(
  server: Pick<TestServer, "engine" | "table">,
  windowMs: number,
  clock: () => number,
): StoreContext {
  return {
    tables: createSdkTablePlane(server.engine.client),
    clock,
    layout: createItemLayout({
      table: server.table,
      keyAttribute: "id",
      valueAttribute: "result",
      counterAttribute: "chord_count",
      writeTimeAttribute: "timestamp",
      expiryAttribute: "ttl",
      etagAttribute: "etag",
      requestsAttribute: "dynakv_requests",
      membersAttribute: "dynakv_members",
      exactExpiryAttribute: "dynakv_expires",
    }),
    requests: createRequestWindow(windowMs, 4, clock),
  } as unknown as StoreContext;
}
