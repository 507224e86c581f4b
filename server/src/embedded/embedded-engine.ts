import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createReplay, vetBody } from "./request-guard.js";

export interface EmbeddedEngineOptions {
  /** The folder that holds the data, made when it is missing; or `memory`, which keeps nothing. */
  readonly data: string;
}

/** An engine for development and tests: dynalite, in this process, on a port of 127.0.0.1 that only its starter can use. */
export interface EmbeddedEngine {
  readonly endpoint: string;
  readonly region: string;
  /** Made anew with each start. The engine answers nobody else: other programs on the machine may find its port. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Closes the port and the database; the folder can be opened again at once. */
  stop(): Promise<void>;
}

/** Longer than the client keeps an idle connection, so that it is not closed under a request. */
const keepAliveTimeoutMs = 65_000;

/** Starts the engine. Rejects with an error for people when the folder cannot be used. */
export async function startEmbeddedEngine({ data }: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  if (data !== "memory") {
    await checkFolder(data);
  }
  // Loaded here, so that a server with another backend never loads it.
  const { default: dynalite } = await import("dynalite");
  const server = dynalite({
    ...(data === "memory" ? {} : { path: data }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  const accessKeyId = randomBytes(16).toString("hex");
  guardRequests(server, accessKeyId);
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey: randomBytes(16).toString("hex") },
    stop: () => close(server),
  };
}

/** LevelDB opens in the background, and dynalite lets the process die of its failure: so it is tried out before. */
async function checkFolder(folder: string): Promise<void> {
  const { Level } = await import("level");
  try {
    await mkdir(folder, { recursive: true });
    const database = new Level(folder);
    await database.open();
    await database.close();
  } catch (error) {
    throw new Error(`the data folder '${folder}' cannot be used: ${describeFolderError(error)}`, { cause: error });
  }
}

function describeFolderError(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  switch (cause?.code ?? code) {
    case "LEVEL_LOCKED":
      return "another server uses it; stop that one, or choose another folder with --data";
    case "EEXIST":
    case "ENOTDIR":
      return "it is, or lies below, a file; choose another folder with --data";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "it must be readable and writable; change its rights, or choose another folder with --data";
    default:
      return `${cause?.code ?? code ?? "it cannot be opened"}; choose another folder with --data`;
  }
}

/**
 * Puts a guard before dynalite's own listener. That one throws when a client resets in mid-body (dynalite#183) and on
 * bodies that it did not foresee, and either ends the process. So a body is read here, and checked, and only a whole one
 * is replayed to it.
 */
function guardRequests(server: Server, accessKeyId: string): void {
  const [handle] = server.listeners("request") as RequestListener[];
  if (handle === undefined) {
    throw new Error("dynalite has no request listener: this version of it is not known");
  }
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    request.on("error", ignore);
    response.on("error", ignore);
    if (!(request.headers.authorization ?? "").includes(`Credential=${accessKeyId}/`)) {
      refuse(
        response,
        "com.amazon.coral.service#UnrecognizedClientException",
        "This engine serves its own server only.",
      );
      request.resume();
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      if (!vetBody(body)) {
        refuse(response, "com.amazon.coral.service#SerializationException", "The body is not JSON without nulls.");
        return;
      }
      const replay = createReplay(request, body);
      try {
        handle(replay.request, response);
        replay.run();
      } catch {
        refuse(response, "com.amazonaws.dynamodb.v20120810#InternalServerError", "The engine failed.", 500);
      }
    });
  });
}

function refuse(response: ServerResponse, type: string, message: string, status = 400): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: type, message }));
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.closeIdleConnections();
  await closed;
}

function ignore(): void {}
