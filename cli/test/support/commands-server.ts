import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FaultProxy, startFaultProxy } from "../../../server/src/faults/index.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../../server/test/support/test-server.js";
import { buildCommands, type CliOptions, type CliResult, type CommandsCli } from "./run-cli.js";

/** The command line, and a server for it to call. */
export interface CommandsServer {
  readonly cli: CommandsCli;
  readonly server: TestServer;
  readonly proxy: FaultProxy;
  /** A replica that reaches the engine through the proxy. */
  readonly proxied: { readonly url: string; readonly client: KeyValueClient };
  /** For the files of commands. */
  readonly folder: string;
  /** Runs a command against the server, unless the environment names another. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  stop(): Promise<void>;
}

export async function startCommandsServer(): Promise<CommandsServer> {
  const cli = await buildCommands();
  const server = await startTestServer();
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const proxied = await server.replica({ endpoint: proxy.endpoint });
  const folder = await mkdtemp(join(tmpdir(), "dynakv-commands-"));
  return {
    cli,
    server,
    proxy,
    proxied,
    folder,
    run: (args, { env, ...options } = {}) => cli.run(args, { env: { DYNAKV_ADDRESS: server.url, ...env }, ...options }),
    async stop() {
      await rm(folder, { recursive: true });
      await cli.remove();
      await proxy.stop();
      await server.stop();
    },
  };
}
