import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";

/**
 * Whether a body may be handed to dynalite: one in which no member is null. DynamoDB takes a null for absent; dynalite
 * stumbles over it, at times when nothing can catch that any more. What is no JSON it refuses by itself.
 */
export function vetBody(body: Buffer): boolean {
  if (!body.includes("null")) {
    return true;
  }
  try {
    return !holdsNull(JSON.parse(body.toString()));
  } catch {
    return false;
  }
}

function holdsNull(value: unknown): boolean {
  if (value === null) {
    return true;
  }
  return typeof value === "object" && Object.values(value).some(holdsNull);
}

/** A request whose body has come already: it plays it once, and never fails. */
export function createReplay(request: IncomingMessage, body: Buffer): { request: IncomingMessage; run(): void } {
  const { headers, method, url, socket } = request;
  const replay = Object.assign(new EventEmitter(), { headers, method, url, socket });
  return {
    // All that dynalite asks of a request.
    request: replay as unknown as IncomingMessage,
    run() {
      replay.emit("data", body);
      replay.emit("end");
    },
  };
}
