/**
 * The answers of a DynamoDB that stores nothing and needs no time: each key holds a value of the size that its name tells,
 * and each counter is a number in memory. Requests are searched for what an answer depends on, not parsed.
 */
import { table } from "../load.js";

/** The answer to an operation, from the text of its request; undefined for an operation that there is none to. */
export function answerTo(operation: string, body: string): string | undefined {
  switch (operation) {
    case "GetItem": {
      const key = keyIn(body);
      return `{"Item":${key.includes(daprSeparator) ? daprItem(key) : valueItem(key)}}`;
    }
    case "BatchGetItem":
      return `{"Responses":{"${table}":[${keysIn(body).map(valueItem).join()}]},"UnprocessedKeys":{}}`;
    case "Scan":
      return scanPage(body);
    case "PutItem":
      return "{}";
    case "UpdateItem":
      return `{"Attributes":${updatedItem(body)}}`;
    case "DescribeTable":
      return JSON.stringify({
        Table: {
          TableName: table,
          TableStatus: "ACTIVE",
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        },
      });
    case "DescribeTimeToLive":
      return '{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}';
  }
  return undefined;
}

/** Whether the answer depends on the request. What does not need not be held. */
export function readsBody(operation: string): boolean {
  return operation !== "PutItem";
}

const keyStart = '"S":"';

function keyIn(body: string): string {
  const from = body.indexOf(keyStart, body.indexOf('"Key":')) + keyStart.length;
  return body.slice(from, body.indexOf('"', from));
}

function keysIn(body: string): string[] {
  const [, ...rest] = body.split(keyStart);
  return rest.map((text) => text.slice(0, text.indexOf('"')));
}

const values = new Map<string, string>();

/** The attributes of an item that dynakv wrote. */
function valueItem(key: string): string {
  const size = key.slice(1, key.indexOf(":"));
  let value = values.get(size);
  if (value === undefined) {
    // Not zeros: nothing on the way shall be able to make it smaller than it is.
    value = Buffer.from(Array.from({ length: Number(size) }, (_, n) => (n * 167) & 0xff)).toString("base64");
    values.set(size, value);
  }
  return `{"id":{"S":"${key}"},"result":{"B":"${value}"},"timestamp":{"N":"1790000000.123"},"etag":{"S":"mbg4b15hgZB0gBrc"}}`;
}

/** How many items a table has that is scanned, and how many a page of 1 MB has, by the size of their values. */
export const scannedItems = 50_000;
const pageItems = 700;
const scannedValueBytes = 1000;

const pages = new Map<number, string>();

/** A page of a Scan. The key that it ends at says where the next begins. */
function scanPage(body: string): string {
  const start = body.includes('"ExclusiveStartKey"')
    ? Number(body.split(`${keyStart}v${scannedValueBytes}:`)[1]?.split('"')[0]) + 1
    : 0;
  let page = pages.get(start);
  if (page === undefined) {
    const end = Math.min(start + pageItems, scannedItems);
    const items = Array.from({ length: end - start }, (_, n) => valueItem(`v${scannedValueBytes}:${start + n}`));
    const last = end === scannedItems ? "" : `,"LastEvaluatedKey":{"id":{"S":"v${scannedValueBytes}:${end - 1}"}}`;
    page = `{"Items":[${items.join()}],"Count":${items.length},"ScannedCount":${items.length}${last}}`;
    pages.set(start, page);
  }
  return page;
}

/** Dapr puts its app's name before each key. */
const daprSeparator = "||";

/** The attributes of an item that Dapr wrote: it keeps values as strings. */
function daprItem(key: string): string {
  const size = key.slice(key.indexOf(daprSeparator) + 3, key.indexOf(":"));
  return `{"id":{"S":"${key}"},"value":{"S":"${"v".repeat(Number(size))}"},"etag":{"S":"d5f0c0a1b2c3d4e5"}}`;
}

const counts = new Map<string, number>();

function updatedItem(body: string): string {
  const key = keyIn(body);
  const count = (counts.get(key) ?? 0) + deltaIn(body);
  counts.set(key, count);
  const counter = `"chord_count":{"N":"${count}"}`;
  return body.includes('"UPDATED_NEW"')
    ? `{${counter}}`
    : `{"id":{"S":"${key}"},${counter},"timestamp":{"N":"1790000000.123"},"etag":{"S":"vmz1M8KaXSCJqvU0"},"dynakv_requests":{"M":${memoryOf(key)}}}`;
}

/** What the update adds: `:delta`, or the last of dynakv's `:a0`, `:a1` and so on, the running sums of what it combines. */
function deltaIn(body: string): number {
  const delta = [...body.matchAll(/":(?:delta|a\d+)":\{"N":"(-?\d+)"\}/g)].at(-1)?.[1];
  if (delta === undefined) {
    throw new Error("the update adds nothing that is named :delta, or :a0 and so on");
  }
  return Number(delta);
}

/**
 * What a counter remembers of increments (docs/exactly-once.md), as many writers as a client has in flight: eight of a hot
 * counter, one of the others. Their ids are an hour ahead, so that none is ever so old that the server removes it.
 */
function memoryOf(key: string): string {
  return key.endsWith(":hot") ? hotMemory : coolMemory;
}

const sequence = BigInt(Date.now() + 3_600_000) << 12n;
const hotMemory = memoryWith(8);
const coolMemory = memoryWith(1);

function memoryWith(writers: number): string {
  const slots = Array.from({ length: writers }, (_, n) => {
    const writer = `8${n}00-0123456789ab`;
    return `"${writer}":{"N":"${sequence + BigInt(n)}"},"${writer}=":{"N":"${n}"}`;
  });
  return `{${slots.join()}}`;
}
