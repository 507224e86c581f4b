import type { HttpParts } from "./raw-endpoint.js";

/** What is asked for, of the calls of a data plane. */
export type Operation =
  | "GetItem"
  | "BatchGetItem"
  | "BatchGetColumns"
  | "Scan"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem";

const json = (value: unknown) => JSON.stringify(value);
/** The item that is answered with. */
export const item = { id: { S: "k" }, n: { N: "5" } };

/** Successes that are not DynamoDB's, to whichever operation. */
export const foreign: Record<string, HttpParts> = {
  "a maintenance page in JSON": { type: "application/json", body: '{"status":"maintenance"}' },
  "the same under DynamoDB's content type": { body: '{"status":"maintenance"}' },
  "a page of HTML": { type: "text/html", body: "<html>Welcome</html>" },
  "HTML under DynamoDB's content type": { body: "<html>Welcome</html>" },
  "an empty object in plain JSON": { type: "application/json" },
  "an empty object in the JSON of another protocol": { type: "application/x-amz-json-1.1" },
  "an empty object without a content type": { type: undefined },
  "no body": { body: "" },
  "no body and no content type": { type: undefined, body: "" },
  "white space": { body: " \n" },
  "a 201": { status: 201 },
  "a 202": { status: 202 },
  "a 204": { status: 204 },
  "a 206": { status: 206 },
  "a list": { body: "[]" },
  "a null": { body: "null" },
  "a text": { body: '"ok"' },
  "a number": { body: "0" },
  "half of an object": { body: '{"Item":{"id"' },
  "an error's body": { body: json({ __type: "a#InternalServerError", message: "no" }) },
  "a byte order mark": { body: `\ufeff${json({ Item: item })}` },
  "the answer to another operation": { body: json({ TableNames: ["t"] }) },
};

/** Bodies whose form is not that of the operation. */
export const malformed: readonly (readonly [Operation, unknown])[] = [
  ["GetItem", { Item: null }],
  ["GetItem", { Item: [] }],
  ["GetItem", { Item: "k" }],
  ["GetItem", { Item: { id: "k" } }],
  ["GetItem", { Item: { id: null } }],
  ["GetItem", { Item: { id: {} } }],
  ["GetItem", { Item: { id: { S: 5 } } }],
  ["GetItem", { Item: { id: { S: null } } }],
  ["GetItem", { Item: { id: { S: "a", N: "1" } } }],
  ["GetItem", { Item: { n: { N: 5 } } }],
  ["GetItem", { Item: { n: { N: null } } }],
  ["GetItem", { Item: { b: { B: 0 } } }],
  ["GetItem", { Item: { b: { B: "AAAA" }, c: { B: 0 } } }],
  ["GetItem", { Item: { b: { B: "A" } } }],
  ["GetItem", { Item: { b: { B: "A===" } } }],
  ["GetItem", { Item: { b: { B: "?no!" } } }],
  ["GetItem", { Item: { b: { B: "A-_A" } } }],
  ["GetItem", { Item: { b: { B: "AA=A" } } }],
  ["GetItem", { Item: { b: { B: `${"A".repeat(32_766)}==${"A".repeat(32_768)}` } } }],
  ["GetItem", { Item: { b: { B: `${"A".repeat(65_536)}-_-_` } } }],
  ["GetItem", { Item: { b: { BOOL: "true" } } }],
  ["GetItem", { Item: { b: { SS: "a" } } }],
  ["GetItem", { Item: { b: { SS: [1] } } }],
  ["GetItem", { Item: { b: { BS: ["?"] } } }],
  ["GetItem", { Item: { b: { L: {} } } }],
  ["GetItem", { Item: { b: { L: [null] } } }],
  ["GetItem", { Item: { b: { M: [] } } }],
  ["GetItem", { Item: { b: { M: { c: 1 } } } }],
  ["PutItem", { Attributes: { id: 1 } }],
  ["UpdateItem", {}],
  ["UpdateItem", { Attributes: null }],
  ["UpdateItem", { Attributes: [] }],
  ["UpdateItem", { ConsumedCapacity: { TableName: "t", CapacityUnits: 1 } }],
  ["DeleteItem", { Attributes: "none" }],
  ["BatchGetItem", {}],
  ["BatchGetItem", { UnprocessedKeys: {} }],
  ["BatchGetItem", { Responses: null }],
  ["BatchGetItem", { Responses: [] }],
  ["BatchGetItem", { Responses: {} }],
  ["BatchGetItem", { Responses: { other: [] } }],
  ["BatchGetItem", { Responses: { t: null } }],
  ["BatchGetItem", { Responses: { t: {} } }],
  ["BatchGetItem", { Responses: { t: [null] } }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: "all" }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: { t: { Keys: "all" } } }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: { t: null } }],
  ["Scan", {}],
  ["Scan", { Count: 0, ScannedCount: 0 }],
  ["Scan", { Items: {} }],
  ["Scan", { Items: [1] }],
  ["Scan", { Items: [], LastEvaluatedKey: "k" }],
];

/** Successes that look odd, and are ones. */
export const successes: readonly (readonly [string, Operation, HttpParts])[] = [
  ["a missing item", "GetItem", {}],
  ["an item without attributes", "GetItem", { body: '{"Item":{}}' }],
  ["white space in the JSON", "GetItem", { body: JSON.stringify({ Item: item }, undefined, 2) }],
  ["a content type with a parameter", "GetItem", { type: "application/x-amz-json-1.0; charset=utf-8" }],
  ["a content type in capitals", "GetItem", { type: "Application/X-AMZ-JSON-1.0", body: json({ Item: item }) }],
  ["escaped names", "GetItem", { body: '{"\\u0049tem":{"\\u0069d":{"\\u0053":"k"}}}' }],
  ["a name twice", "GetItem", { body: '{"Item":{"id":{"S":"a"},"id":{"S":"b"}}}' }],
  ["large bytes", "GetItem", { body: json({ Item: { b: { B: Buffer.alloc(100_001, "bytes").toString("base64") } } }) }],
  [
    "large bytes with an escape at their end",
    "GetItem",
    { body: `{"Item":{"b":{"B":"${Buffer.alloc(99_999, 255).toString("base64").replace(/.$/, "\\/")}"}}}` },
  ],
  ["bytes twice", "GetItem", { body: '{"Item":{"b":{"B":"AAAA"},"b":{"B":"AQID"}}}' }],
  ["escaped bytes beside plain ones", "GetItem", { body: '{"Item":{"a":{"B":"\\u0041AAA"},"b":{"B":"AQID"}}}' }],
  ["empty bytes", "GetItem", { body: '{"Item":{"b":{"B":""}}}' }],
  ["a text like bytes", "GetItem", { body: json({ Item: { s: { S: '"B":"AAAA"' } } }) }],
  ["half a surrogate pair", "GetItem", { body: '{"Item":{"s":{"S":"\\ud800"}}}' }],
  ...["5", "-0", "+5", "1E+2", "1e2", "05", "5.0", " 5", "1e400", "NaN", "9007199254740993", ""].map(
    (N) => [`the number ${json(N)}`, "GetItem", { body: json({ Item: { n: { N } } }) }] as const,
  ),
  ["a batch of nothing", "BatchGetItem", { body: '{"Responses":{"t":[]},"UnprocessedKeys":{}}' }],
  ["a batch without word of the rest", "BatchGetItem", { body: json({ Responses: { t: [item] } }) }],
  ["a batch with another table", "BatchGetItem", { body: json({ Responses: { t: [], u: [item] } }) }],
  [
    "a batch of which some is left",
    "BatchGetItem",
    { body: json({ Responses: { t: [] }, UnprocessedKeys: { t: { Keys: [{ id: { B: "AAAA" } }] } } }) },
  ],
  ["a scan of nothing", "Scan", { body: '{"Items":[],"Count":0,"ScannedCount":9}' }],
  ["a page of a scan", "Scan", { body: json({ Items: [item], Count: 1, LastEvaluatedKey: { id: { B: "AAAA" } } }) }],
  ["consumed capacity", "PutItem", { body: json({ ConsumedCapacity: { TableName: "t", CapacityUnits: 1 } }) }],
  ["an interim 100", "GetItem", { before: "HTTP/1.1 100 Continue\r\n\r\n", body: json({ Item: item }) }],
  [
    "two interim 100s and a 103",
    "PutItem",
    {
      before:
        "HTTP/1.1 100 Continue\r\nvia: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-type: text/html\r\n\r\n",
    },
  ],
  ["an interim 102", "GetItem", { before: "HTTP/1.1 102 Processing\r\n\r\n", body: json({ Item: item }) }],
];

const whole = json({ Item: item });
const head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n";
/** Answers by how they are framed, in the pieces in which they come. */
export const framings: Record<string, { pieces: readonly string[]; isWhole: boolean }> = {
  "in chunks": {
    pieces: [
      `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${whole.slice(0, 5)}\r\n`,
      `${(whole.length - 5).toString(16)}\r\n`,
    ].concat([`${whole.slice(5)}\r\n0\r\n\r\n`]),
    isWhole: true,
  },
  "up to the end of the connection": { pieces: [`${head}Connection: close\r\n\r\n${whole}`], isWhole: true },
  "by HTTP/1.0": {
    pieces: [`${head.replace("1.1", "1.0")}Connection: close\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`],
    isWhole: true,
  },
  "a byte at a time, after a 100 in pieces": {
    pieces: [
      "HTTP/1.1 100 Con",
      "tinue\r\n",
      "\r\n",
      head,
      `Content-Length: ${whole.length}\r\n\r\n`,
      ...whole.slice(0, 4),
    ].concat([whole.slice(4)]),
    isWhole: true,
  },
  "in half, up to the end of the connection": {
    pieces: [`${head}Connection: close\r\n\r\n${whole.slice(0, 9)}`],
    isWhole: false,
  },
  "shorter than it says": {
    pieces: [`${head}Connection: close\r\nContent-Length: 999\r\n\r\n${whole}`],
    isWhole: false,
  },
  "in chunks without an end": {
    pieces: [
      `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${whole.length.toString(16)}\r\n${whole}\r\n`,
    ],
    isWhole: false,
  },
  "that is no HTTP": { pieces: ["SSH-2.0-OpenSSH_9.9\r\nConnection: close\r\n"], isWhole: false },
};
