import * as http from "node:http";
import * as https from "node:https";

/** A request as it goes on to the engine. */
export interface TargetRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** An answer of the engine, or one in its place. */
export interface Answer {
  readonly status: number;
  readonly statusMessage: string | undefined;
  /** Names and values in turn, as they came; without those that belong to one connection. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** The connection to the engine has failed. */
export class TargetError extends Error {}

/** The engine behind the proxy. */
export interface Target {
  /** Sends a request. Rejects with a TargetError when the connection fails or the target was closed. */
  ask(request: TargetRequest): Promise<Answer>;
  /** Cuts all connections to the engine. */
  close(): void;
}

/** Headers that are about one connection, or about how the body is framed in it. */
const ofConnection = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Time that a connection to the engine is kept without use. Shorter than engines keep theirs (Node's default is 5 s), because
 * a request that is sent just as the engine closes its connection is lost: a fault that nobody asked for.
 */
const idleMs = 2_000;

export function createTarget(url: URL): Target {
  const { Agent, request } = url.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, timeout: idleMs });
  const running = new Set<http.ClientRequest>();
  let closed = false;

  function ask({ method, path, rawHeaders, body }: TargetRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (closed) {
        throw new TargetError("the proxy has stopped");
      }
      const fail = (cause: Error) => reject(new TargetError(cause.message, { cause }));
      const outgoing = request(url, { method, path, agent, headers: framed(rawHeaders, body) });
      running.add(outgoing);
      outgoing.once("close", () => running.delete(outgoing));
      outgoing.on("error", fail);
      outgoing.once("response", (answer) => {
        readBody(answer).then(
          (received) =>
            resolve({
              status: answer.statusCode ?? 500,
              statusMessage: answer.statusMessage,
              rawHeaders: withoutHeaders(answer.rawHeaders, (name) => ofConnection.has(name)),
              body: received,
            }),
          fail,
        );
      });
      outgoing.end(body);
    });
  }

  return {
    ask,
    close() {
      closed = true;
      for (const outgoing of running) {
        outgoing.destroy();
      }
      agent.destroy();
    },
  };
}

function framed(rawHeaders: readonly string[], body: Buffer): string[] {
  const kept = withoutHeaders(rawHeaders, (name) => ofConnection.has(name) || name === "content-length");
  return [...kept, "Content-Length", String(body.length)];
}

/** The headers whose names, in lower case, are not unwanted. */
export function withoutHeaders(rawHeaders: readonly string[], unwanted: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    if (!unwanted(name.toLowerCase())) {
      kept.push(name, value);
    }
  }
  return kept;
}

/** Reads a body to its end. Rejects when the connection ends before. */
export async function readBody(message: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
