import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Callback, Store } from "dynalite/db/index.js";
import { guardStore } from "./guard-store.js";
import { findHarmfulExpression } from "./vet-expressions.js";

/** The operations that the engine answers. Tags are left out: nothing here uses them. */
const operations = new Set([
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DeleteTable",
  "DescribeTable",
  "DescribeTimeToLive",
  "GetItem",
  "ListTables",
  "PutItem",
  "Query",
  "Scan",
  "UpdateItem",
  "UpdateTable",
]);

// Of CommonJS, require loads each file once, and import twice.
const require = createRequire(import.meta.url);
type Validations = typeof import("dynalite/validations/index.js");

/** DynamoDB's limit of a request. */
const maxRequestBytes = 16 * 1024 * 1024;

export interface RequestHandler {
  /** Answers one request. Never throws or rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Does something while no request is performed: those that have begun are answered first, and others wait. */
  betweenRequests(work: () => Promise<void>): Promise<void>;
  /** Refuses all further requests, and resolves once those that have begun to work on the store are answered. */
  drain(): Promise<void>;
}

interface Operation {
  /** Returns the parameters as the action takes them. Throws an ApiError if they are refused. */
  check(parameters: object): object;
  run(store: Store, parameters: object, done: Callback): void;
}

interface Received {
  readonly operation: Operation;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** dynalite's error type. */
interface ApiError {
  readonly statusCode: number;
  readonly body: unknown;
}

/** Creates what answers DynamoDB's HTTP requests from the store, to whoever signs with the access key. */
export function createRequestHandler(store: Store, accessKeyId: string): RequestHandler {
  const loaded = new Map<string, Operation>();
  const running = new Set<Promise<unknown>>();
  let draining = false;
  /** Settles when what is done between requests is done. */
  let pause: Promise<void> | undefined;

  /** Loads an operation when it is first asked for: most servers never need half of them. */
  function findOperation(name: string): Operation | undefined {
    const known = loaded.get(name);
    if (known !== undefined || !operations.has(name)) {
      return known;
    }
    const operation = loadOperation(name, store);
    loaded.set(name, operation);
    return operation;
  }

  /** Reads a request. Undefined if the client leaves meanwhile; an answer if there is nothing to perform. */
  async function receive(request: IncomingMessage): Promise<Received | Answer | undefined> {
    if (credentialOf(request) !== accessKeyId) {
      return failure(
        400,
        "UnrecognizedClientException",
        "The embedded engine serves only the process that it runs in.",
      );
    }
    if (Number(request.headers["content-length"]) > maxRequestBytes) {
      return failure(413, "RequestEntityTooLargeException", `The request is larger than ${maxRequestBytes} bytes.`);
    }
    const body = await readBody(request);
    if (body === undefined) {
      return undefined;
    }
    const [, name = ""] = /^DynamoDB_20120810\.(\w+)$/.exec(String(request.headers["x-amz-target"])) ?? [];
    const operation = findOperation(name);
    if (operation === undefined) {
      return failure(400, "UnknownOperationException", `The embedded engine has no such operation: '${name}'.`);
    }
    return { operation, body };
  }

  async function perform({ operation, body }: Received): Promise<Answer> {
    let parameters: object;
    try {
      parameters = parseParameters(body);
      const problem = findHarmfulExpression(parameters);
      if (problem !== undefined) {
        return failure(400, "ValidationException", problem);
      }
      parameters = operation.check(parameters);
    } catch (error) {
      // dynalite throws a TypeError for unexpected nulls.
      return isApiError(error)
        ? { status: error.statusCode, body: error.body }
        : failure(400, "SerializationException", "The request is malformed.");
    }
    try {
      return { status: 200, body: await run(operation, parameters) };
    } catch (error) {
      if (isApiError(error)) {
        return { status: error.statusCode, body: error.body };
      }
      const message = error instanceof Error ? error.message : String(error);
      return failure(500, "InternalServerError", `The embedded engine failed: ${message}`);
    }
  }

  function run(operation: Operation, parameters: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      operation.run(guardStore(store, reject), parameters, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }

  async function ended(): Promise<void> {
    while (pause !== undefined) {
      await pause.catch(() => {});
    }
  }

  return {
    async handle(request, response) {
      // An answer that nobody waits for any more is no failure.
      response.on("error", () => {});
      try {
        const received = await receive(request);
        if (received === undefined) {
          return;
        }
        if (pause !== undefined) {
          await ended();
        }
        if ("status" in received) {
          await send(response, received);
        } else if (draining) {
          await send(response, failure(503, "ServiceUnavailable", "The embedded engine is stopping."));
        } else {
          const work = perform(received).then((answer) => send(response, answer));
          running.add(work);
          await work.finally(() => running.delete(work));
        }
      } catch {
        response.destroy();
      }
    },
    async betweenRequests(work) {
      await ended();
      pause = Promise.allSettled(running)
        .then(work)
        .finally(() => {
          pause = undefined;
        });
      await pause;
    },
    async drain() {
      draining = true;
      await Promise.allSettled(running);
    },
  };
}

function loadOperation(name: string, store: Store): Operation {
  const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
  const { checkTypes, checkValidations } = require("dynalite/validations/index.js") as Validations;
  const { types, custom } = require(`dynalite/validations/${file}`) as { types: object; custom?: unknown };
  return {
    check(parameters) {
      const checked = checkTypes(parameters, types);
      checkValidations(checked, types, custom, store);
      return checked;
    },
    run: require(`dynalite/actions/${file}`) as Operation["run"],
  };
}

/** The access key that a request is signed with. The signature is not checked: whoever knows the key is let in. */
function credentialOf(request: IncomingMessage): string | undefined {
  return /^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)\//.exec(request.headers.authorization ?? "")?.[1];
}

/** Reads the whole body. Undefined if the client leaves before it has sent all of it, or sends without end. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += chunk.length;
      if (size > maxRequestBytes) {
        return undefined;
      }
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function parseParameters(body: Buffer): object {
  const parameters: unknown = JSON.parse(body.toString());
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    throw new TypeError("not an object");
  }
  return parameters;
}

function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" && "body" in error;
}

/** An error in the form in which DynamoDB tells it. */
function failure(status: number, type: string, message: string): Answer {
  return { status, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message } };
}

/** Sends an answer. Resolves once it is on its way, or its client has left. */
function send(response: ServerResponse, { status, body }: Answer): Promise<void> {
  const text = JSON.stringify(body);
  return new Promise((resolve) => {
    if (response.destroyed) {
      return resolve();
    }
    response.once("close", resolve);
    response.writeHead(status, {
      "content-type": "application/x-amz-json-1.0",
      "content-length": Buffer.byteLength(text),
      "x-amzn-requestid": randomUUID(),
    });
    response.end(text);
  });
}
