import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { flags, frameTypes, readFrames } from "../../../server/test/support/wire/frames.js";
import type { Input } from "../kind.js";
import { marker } from "../messages/odd-values.js";
import type { Target } from "../targets.js";

/** How long an input waits for a sign of the server when none need come. */
const patienceMs = 30;
/** When nothing more has come for so long after an answer began, it is taken for all there is. */
const quietMs = 20;
/** Longer than any call of a request without faults takes, on a machine that has other things to do. */
const answerMs = 20_000;
/** No more of an answer is kept. */
const keptBytes = 1_000_000;

/** Sends an input on a connection of its own. Resolves with what is wrong with the answer, or undefined. */
export async function sendInput(target: Target, input: Input): Promise<string | undefined> {
  const socket = target.connect();
  const answer = listen(socket, input);
  for (const step of input.steps) {
    if (answer.isOver()) {
      break;
    }
    if (step.kind === "send") {
      socket.write(step.bytes);
    } else {
      await sleep(step.ms);
    }
  }
  const problem = input.mustAnswer ? await waitForAnswer(answer) : await waitABit(answer, patienceMs);
  leave(socket, input);
  await answer.closed;
  return problem ?? findLeak(answer.bytes());
}

interface Listening {
  bytes(): Buffer;
  /** Whether the server has said all that it will, as far as can be told. */
  isOver(): boolean;
  readonly closed: Promise<void>;
}

function listen(socket: Socket, { deaf }: Input): Listening {
  const chunks: Buffer[] = [];
  let size = 0;
  let isClosed = false;
  // However the connection ends is right.
  socket.on("error", () => {});
  socket.on("end", () => {
    isClosed = true;
  });
  if (!deaf) {
    socket.on("data", (chunk) => {
      size += chunk.length;
      if (size <= keptBytes) {
        chunks.push(chunk);
      }
    });
  }
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      resolve();
    });
  });
  return { bytes: () => Buffer.concat(chunks), isOver: () => isClosed, closed };
}

async function waitForAnswer(answer: Listening): Promise<string | undefined> {
  const until = performance.now() + answerMs;
  let seen = 0;
  for (;;) {
    const bytes = answer.bytes();
    const { has, isWhole, problem } = readAnswer(bytes);
    if (problem !== undefined || isWhole || (has && answer.isOver()) || (has && bytes.length === seen)) {
      return problem;
    }
    if (answer.isOver()) {
      return "the connection was closed without an answer";
    }
    if (performance.now() > until) {
      return `no answer within ${answerMs / 1000} s`;
    }
    seen = bytes.length;
    await Promise.race([answer.closed, sleep(has ? quietMs : 5)]);
  }
}

async function waitABit(answer: Listening, ms: number): Promise<undefined> {
  const until = performance.now() + ms;
  while (!answer.isOver() && answer.bytes().length === 0 && performance.now() < until) {
    await Promise.race([answer.closed, sleep(5)]);
  }
}

interface ReadAnswer {
  readonly has: boolean;
  readonly isWhole: boolean;
  readonly problem?: string;
}

const internalError = 2;

/** What has come of an answer, in the version of HTTP in which it came. */
function readAnswer(bytes: Buffer): ReadAnswer {
  if (bytes.subarray(0, 5).toString() === "HTTP/") {
    const isDefect = /^HTTP\/1\.1 500 /.test(bytes.subarray(0, 20).toString());
    return { has: true, isWhole: false, ...(isDefect && { problem: "HTTP 500" }) };
  }
  let has = false;
  for (const { type, flags: set, stream, payload } of readFrames(bytes)) {
    if (type === frameTypes.rstStream && payload.at(3) === internalError) {
      return { has, isWhole: true, problem: "the stream was reset with INTERNAL_ERROR" };
    }
    const isOfCall = stream === 1 && (type === frameTypes.headers || type === frameTypes.data);
    has ||= isOfCall || type === frameTypes.rstStream || type === frameTypes.goaway;
    if (has && (set & flags.endStream) !== 0 && isOfCall) {
      return { has, isWhole: true };
    }
  }
  return { has, isWhole: false };
}

function leave(socket: Socket, { leave: how }: Input): void {
  if (how === "reset") {
    // Node resets connections that are its own alone, and those with TLS are not.
    socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy();
    return;
  }
  socket.end();
  // Enough for the server to see the half that is closed; what it does about it must not depend on this side.
  setTimeout(() => socket.destroy(), how === "half-close" ? 50 : 5);
}

/** Errors over HTTP/1 are plain JSON: none may repeat a key or a value. */
function findLeak(bytes: Buffer): string | undefined {
  const text = bytes.toString("latin1");
  const isError = /^HTTP\/1\.1 [45]/.test(text);
  return isError && text.includes(marker) ? `an error repeats a key, value or token: ${text.slice(0, 500)}` : undefined;
}
