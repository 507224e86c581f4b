import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedFile {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** A web server of pages, whose origin is another than that of the service. */
export interface PageServer {
  readonly port: number;
  /** Such as `http://127.0.0.1:40001`. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** Serves files by their paths, such as `/` and `/page.js`. */
export async function startPageServer(files: Readonly<Record<string, ServedFile>>): Promise<PageServer> {
  const server = createServer((request, response) => {
    const file = files[request.url ?? ""];
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": file.type, "cache-control": "no-store" }).end(file.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A test that fails leaves it behind, and is not to keep the process.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
