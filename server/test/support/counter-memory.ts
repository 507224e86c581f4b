import { createWriter, formatRequestId } from "../../../common/request-ids.js";
import type { Item } from "../../src/store/dynamodb/item.js";
import type { TestServer } from "./test-server.js";
import { waitUntil } from "./wait-until.js";

/** An id of a time, and of a place in its millisecond. */
export function idAt(ms: number, place = 0): string {
  return formatRequestId(sequenceAt(ms, place), createWriter());
}

/** What the memory of a counter has of such an id in its floor. */
export function sequenceAt(ms: number, place = 0): bigint {
  return (BigInt(ms) << 12n) + BigInt(place);
}

/** What a counter's own item remembers of increments. */
export async function memoryAt(server: TestServer, key: string): Promise<Item> {
  return (await server.rawItem(key))?.dynakv_requests?.M ?? {};
}

/** Resolves once a counter's item remembers something: an item is made smaller after the answer. */
export function remembers(
  server: TestServer,
  key: string,
  what: string,
  holds: (memory: Item) => boolean,
): Promise<void> {
  return waitUntil(`the item remembers ${what}`, async () => holds(await memoryAt(server, key)));
}
