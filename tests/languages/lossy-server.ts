import { internalServerError, startFaultProxy } from "../../server/src/faults/index.js";
import { createServer } from "../../server/src/index.js";
import { startTestEngine, uniqueTableName } from "../../server/test/support/engine.js";

export interface LossyServer {
  /** A host and a port. */
  readonly address: string;
  /** How many answers were lost. */
  lost(): number;
  stop(): Promise<void>;
}

/**
 * A server to which every third answer to an increment is lost, by turns as a connection that is cut and as an error of
 * DynamoDB's.
 */
export async function startLossyServer(): Promise<LossyServer> {
  const engine = await startTestEngine();
  const proxy = await startFaultProxy({ target: engine.endpoint });
  let updates = 0;
  let lost = 0;
  proxy.decide = ({ operation }) => {
    if (operation !== "UpdateItem" || ++updates % 3 !== 0) {
      return "forward";
    }
    lost++;
    return updates % 2 === 0 ? "cut-answer" : internalServerError({ applied: true });
  };
  const { region, accessKeyId, secretAccessKey } = engine;
  const server = createServer({
    listen: "127.0.0.1:0",
    logLevel: "silent",
    overload: "off",
    endpoint: proxy.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    table: uniqueTableName(),
  });
  const { url } = await server.start();
  return {
    address: url.replace("http://", ""),
    lost: () => lost,
    async stop() {
      await server.stop();
      await proxy.stop();
      await engine.stop();
    },
  };
}
