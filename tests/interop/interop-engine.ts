import { engines, type RunningEngine } from "../engines/engines.js";

/** The engine that dynakv and Celery share. */
export interface InteropEngine {
  readonly title: string;
  /** Whether it has DynamoDB's calls for the TTL of a table, without which Celery sets no expiry. */
  readonly hasTtlCalls: boolean;
  /** The connection URL of a table there, which both read. */
  backendOf(table: string): string;
  stop(): Promise<void>;
}

export const engineNames = engines.map(({ name }) => name);

/** Starts an engine of `npm run test:engines`, and sets it up first if need be. */
export async function startInteropEngine(name: string): Promise<InteropEngine> {
  const engine = engines.find((each) => each.name === name);
  if (engine === undefined) {
    throw new Error(`no engine '${name}': there are ${engineNames.join(", ")}`);
  }
  // Celery makes its table with one unit of capacity, which its own tasks exceed.
  const { access, stop }: RunningEngine = await engine.start({ throttling: false });
  const { hostname, port } = new URL(access.endpoint);
  return {
    title: engine.title,
    hasTtlCalls: name !== "embedded",
    backendOf: (table) => `dynamodb://${access.accessKeyId}:${access.secretAccessKey}@${hostname}:${port}/${table}`,
    stop,
  };
}
