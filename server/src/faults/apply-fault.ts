import { refuseSkewed } from "./dynamodb-errors.js";
import type { ClockJumpFault, Fault, RewriteFault, UnprocessedFault } from "./fault.js";
import { type Answer, type TargetRequest, withoutHeaders } from "./target.js";
import { splitBatch } from "./unprocessed.js";

/** Outcome of a proxied request: an answer, an answer that is cut in the middle, a cut connection, or nothing at all. */
export type Outcome =
  | { readonly kind: "send" | "send-half"; readonly answer: Answer }
  | { readonly kind: "cut" }
  | { readonly kind: "hang" };

export interface Exchange {
  readonly operation: string;
  readonly request: TargetRequest;
  /** Asks the engine. */
  ask(request: TargetRequest): Promise<Answer>;
  sleep(ms: number): Promise<void>;
}

/** Carries a fault out, and resolves to what the client shall see. Rejects when the engine cannot be reached. */
export async function applyFault(fault: Fault, exchange: Exchange): Promise<Outcome> {
  const { request, ask } = exchange;
  switch (fault) {
    case "refuse":
      return { kind: "cut" };
    case "hang":
      return { kind: "hang" };
    case "lose-answer":
      await ask(request);
      return { kind: "cut" };
    case "cut-answer": {
      const answer = await ask(request);
      // The headers of an answer without a body are all of it.
      return answer.body.length === 0 ? { kind: "cut" } : { kind: "send-half", answer };
    }
    default:
      return { kind: "send", answer: await findAnswer(fault, exchange) };
  }
}

type AnsweringFault = Exclude<Fault, "refuse" | "hang" | "lose-answer" | "cut-answer">;

async function findAnswer(fault: AnsweringFault, exchange: Exchange): Promise<Answer> {
  const { request, ask, sleep } = exchange;
  const named = typeof fault === "string" ? ({ kind: fault } as const) : fault;
  switch (named.kind) {
    case "forward":
      return ask(request);
    case "empty-object":
      return { ...withBody(await ask(request), Buffer.from("{}")), status: 200, statusMessage: undefined };
    case "empty-body":
      return { ...withBody(await ask(request), Buffer.alloc(0)), status: 200, statusMessage: undefined };
    case "broken-json": {
      const answer = await ask(readable(request));
      return withBody(answer, firstHalf(answer.body));
    }
    case "delay": {
      await sleep(named.beforeMs ?? 0);
      const answer = await ask(request);
      await sleep(named.afterMs ?? 0);
      return answer;
    }
    case "answer":
      return createAnswer(named.status, named.body, named.contentType);
    case "replace-answer":
      await ask(request);
      return createAnswer(named.status, named.body, named.contentType);
    case "unprocessed":
      return leaveUnprocessed(named, exchange);
    case "rewrite":
      return rewrite(named, exchange);
    case "clock-jump":
      return jumpClock(named, exchange);
  }
}

async function leaveUnprocessed({ share = 1 }: UnprocessedFault, exchange: Exchange): Promise<Answer> {
  const { operation, request, ask } = exchange;
  const split = splitBatch(operation, request.body, share);
  if (split === undefined) {
    return ask(request);
  }
  if (split.request === undefined) {
    return withBody(createAnswer(200, {}), split.complete());
  }
  const answer = await ask(readable({ ...request, body: split.request }));
  return answer.status === 200 ? withBody(answer, split.complete(answer.body)) : answer;
}

async function rewrite(fault: RewriteFault, { request, ask }: Exchange): Promise<Answer> {
  const body = fault.request === undefined ? request.body : fault.request(request.body);
  if (fault.answer === undefined) {
    return ask({ ...request, body });
  }
  const answer = await ask(readable({ ...request, body }));
  return withBody(answer, fault.answer(answer.body));
}

async function jumpClock({ byMs }: ClockJumpFault, { request, ask }: Exchange): Promise<Answer> {
  const refusal = refuseSkewed(headerOf(request.rawHeaders, "x-amz-date"), Date.now() + byMs);
  const answer = refusal === undefined ? await ask(request) : createAnswer(refusal.status, refusal.body);
  const date = new Date(Date.parse(headerOf(answer.rawHeaders, "date") ?? new Date().toUTCString()) + byMs);
  const others = withoutHeaders(answer.rawHeaders, (name) => name === "date");
  return { ...answer, rawHeaders: [...others, "Date", date.toUTCString()] };
}

function headerOf(rawHeaders: readonly string[], wanted: string): string | undefined {
  return withoutHeaders(rawHeaders, (name) => name !== wanted)[1];
}

/** A request whose answer must not be compressed. */
function readable(request: TargetRequest): TargetRequest {
  return { ...request, rawHeaders: withoutHeaders(request.rawHeaders, (name) => name === "accept-encoding") };
}

/** An answer with another body, without the headers that were true of the former one. */
function withBody(answer: Answer, body: Buffer): Answer {
  const former = ["content-length", "content-encoding", "x-amz-crc32"];
  const others = withoutHeaders(answer.rawHeaders, (name) => former.includes(name));
  return { ...answer, rawHeaders: [...others, "Content-Length", String(body.length)], body };
}

/** An answer of the proxy's own. */
export function createAnswer(
  status: number,
  content: object | string,
  contentType = "application/x-amz-json-1.0",
): Answer {
  const body = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  const type = ["Content-Type", contentType];
  const rawHeaders = [...type, "Content-Length", String(body.length), "Date", new Date().toUTCString()];
  return { status, statusMessage: undefined, rawHeaders, body };
}

/** The first half of a body. A body that holds anything is longer than its half. */
export function firstHalf(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}
