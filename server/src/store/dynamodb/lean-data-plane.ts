import { version } from "../../../../common/version.js";
import { type HttpAnswer, readAnswer, readItems } from "./answer.js";
import type { AnswerRoom } from "./answer-room.js";
import { isRefusedCredentials } from "./aws-errors.js";
import { createCredentialRenewal } from "./credential-renewal.js";
import type { DataPlane } from "./data-plane.js";
import { AbortError, createHttpExchange, type HttpExchange, type HttpExchangeOptions } from "./http-exchange.js";
import { createLeanTablePlane } from "./lean-table-plane.js";
import { NeverSentError } from "./never-sent.js";
import { toRequestBody } from "./request-body.js";
import type { RequestSource, SigningTarget } from "./request-source.js";
import { createSigner, type Signer, type SigningCredentials } from "./sigv4.js";
import type { TablePlane } from "./table-plane.js";

/** A data plane that has connections of its own. */
export interface LeanDataPlane extends DataPlane {
  /** The operations on the table itself. */
  readonly tables: TablePlane;
  /** Cuts what is in flight. */
  close(): Promise<void>;
}

const contentType = "application/x-amz-json-1.0";
const targetPrefix = "DynamoDB_20120810.";
/** A clock that is off by more than this is put right: DynamoDB refuses signatures that are off by more than five minutes. */
const maxSkewMs = 4 * 60_000;

/** Endpoint and signer of one set of credentials. */
interface Route {
  readonly accessKeyId: string;
  readonly target: SigningTarget;
  readonly sign: Signer;
  readonly exchange: HttpExchange;
}

/** Credentials and route of a request. */
interface Prepared {
  readonly credentials: SigningCredentials;
  readonly way: Route;
  readonly atMs: number;
}

/** Cache time of the resolved credentials, in milliseconds: the SDK renews them minutes before they expire. */
const preparedForMs = 500;

/** The operations, sent without the SDK's middleware, which costs ten times what they do (docs/bench.md). */
export function createLeanDataPlane(source: RequestSource, options: HttpExchangeOptions): LeanDataPlane {
  const exchanges = new Map<string, HttpExchange>();
  let route: Route | undefined;
  let finding: Promise<Route> | undefined;
  let prepared: Prepared | undefined;
  let skewMs = 0;
  const renewal = createCredentialRenewal(source.credentials);

  async function findRoute({ accessKeyId }: SigningCredentials): Promise<Route> {
    const target = await source.findTarget();
    const exchange = exchanges.get(target.origin) ?? createHttpExchange(target.origin, options);
    exchanges.set(target.origin, exchange);
    return { accessKeyId, target, exchange, sign: createSigner(target) };
  }

  async function routeOf(credentials: SigningCredentials): Promise<Route> {
    if (route?.accessKeyId === credentials.accessKeyId) {
      return route;
    }
    finding ??= findRoute(credentials).finally(() => {
      finding = undefined;
    });
    route = await finding;
    return route;
  }

  async function prepareAnew(): Promise<Prepared> {
    try {
      const credentials = await source.credentials();
      prepared = { credentials, way: await routeOf(credentials), atMs: Date.now() };
      return prepared;
    } catch (error) {
      throw error instanceof NeverSentError ? error : new NeverSentError("preparing", error);
    }
  }

  /** Undefined when credentials are to be asked for anew. */
  function preparedLately(): Prepared | undefined {
    const ageMs = prepared === undefined ? Number.NaN : Date.now() - prepared.atMs;
    return ageMs >= 0 && ageMs < preparedForMs ? prepared : undefined;
  }

  function sendOnce(
    operation: string,
    body: Buffer,
    { credentials, way }: Prepared,
    signal: AbortSignal,
    room: AnswerRoom | undefined,
  ): Promise<HttpAnswer> {
    const { target, sign, exchange } = way;
    const { host, path } = target;
    const request = { host, path, target: targetPrefix + operation, contentType, body };
    const headers = sign(request, credentials, Date.now() + skewMs);
    headers.push("user-agent", userAgent);
    return exchange.post({ path, headers, body }, signal, room);
  }

  async function send<Output>(
    operation: string,
    input: object,
    signal: AbortSignal,
    read: (answer: HttpAnswer) => Output,
    room?: AnswerRoom,
  ): Promise<Output> {
    const body = toRequestBody(input);
    const readNoting = (answer: HttpAnswer) => {
      if (answer.status !== 200) {
        learnSkew(answer.date);
      }
      return read(answer);
    };
    const first = preparedLately() ?? (await unlessAborted(prepareAnew(), signal));
    try {
      return readNoting(await sendOnce(operation, body, first, signal, room));
    } catch (error) {
      if (signal.aborted || !isRefusedCredentials(error) || !(await renewal.renew(first.credentials))) {
        throw error;
      }
    }
    return readNoting(await sendOnce(operation, body, await unlessAborted(prepareAnew(), signal), signal, room));
  }

  function sendPlain<Output>(
    operation: string,
    input: object,
    signal: AbortSignal,
    room?: AnswerRoom,
  ): Promise<Output> {
    const read = (answer: HttpAnswer) => {
      try {
        return readAnswer<Output>(operation, input, answer);
      } finally {
        answer.release?.();
      }
    };
    return send(operation, input, signal, read, room);
  }

  // Requests signed by a clock that is far off are refused. The answer tells the right time, for the next try.
  function learnSkew(date: string | undefined): void {
    const serverMs = Date.parse(date ?? "");
    if (Math.abs(serverMs - (Date.now() + skewMs)) > maxSkewMs) {
      skewMs = serverMs - Date.now();
    }
  }

  return {
    getItem: (input, signal, room) => sendPlain("GetItem", input, signal, room),
    batchGetItem: (input, signal) => sendPlain("BatchGetItem", input, signal),
    batchGetColumns: (input, signal, columns, room) =>
      send("BatchGetItem", input, signal, (answer) => readItems("BatchGetItem", input, answer, columns), room),
    scan: (input, signal, columns) => send("Scan", input, signal, (answer) => readItems("Scan", {}, answer, columns)),
    putItem: (input, signal) => sendPlain("PutItem", input, signal),
    updateItem: (input, signal) => sendPlain("UpdateItem", input, signal),
    deleteItem: (input, signal) => sendPlain("DeleteItem", input, signal),
    tables: createLeanTablePlane(sendPlain),
    async close() {
      await Promise.all([...exchanges.values()].map((exchange) => exchange.close()));
    },
  };
}

/** Credentials may be a long time in coming, from a container or an instance: a caller does not wait for them past its deadline. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(new NeverSentError("preparing", new AbortError()));
    signal.addEventListener("abort", leave);
    if (signal.aborted) {
      leave();
    }
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

const userAgent = `dynakv/${version}`;
