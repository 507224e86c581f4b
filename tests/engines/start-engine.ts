import { closeSync, mkdirSync, openSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { scratchFolderOf } from "../../tools/cache.js";
import { findFreePort } from "../../tools/free-port.js";
import { startProgram, stopProgram } from "../../tools/programs.js";
import { root } from "../../tools/root.js";

/** Where the engines' logs lie. */
const scratchFolder = scratchFolderOf("dynakv-engines");

/** How a client reaches an engine. */
export interface Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A program that serves the protocol of DynamoDB. */
export interface EngineProgram {
  readonly name: string;
  readonly file: string;
  args(port: number): readonly string[];
  /** The key that it takes; any, if it is not given. */
  readonly key?: Pick<Access, "accessKeyId" | "secretAccessKey">;
  /** What it finds in its environment besides this one's. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** How long an engine may take until it answers. */
const startMs = 240_000;
const pollMs = 100;

export function createClient({ endpoint, region, accessKeyId, secretAccessKey }: Access): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
}

/** Starts an engine's program on a free port, and waits until it answers. What it prints goes to a log file. */
export async function startEngineProgram({
  name,
  file,
  args,
  key = { accessKeyId: "test", secretAccessKey: "test" },
  environment,
}: EngineProgram): Promise<{ access: Access; log: string; stop(): Promise<void> }> {
  const port = await findFreePort();
  const access = { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", ...key };
  const log = join(scratchFolder, `${name}.log`);
  mkdirSync(scratchFolder, { recursive: true });
  const logFile = openSync(log, "w");
  const program = startProgram(file, args(port), {
    env: { ...process.env, ...environment },
    stdio: ["ignore", logFile, logFile],
  });
  closeSync(logFile);
  let end: string | undefined;
  program.once("error", (error) => {
    end = error.message;
  });
  program.once("exit", (code, signal) => {
    end = `it ended with ${code ?? signal}`;
  });
  const client = createClient(access);
  try {
    for (const giveUpAt = Date.now() + startMs; !(await answers(client)); await sleep(pollMs)) {
      if (end !== undefined || Date.now() > giveUpAt) {
        const why = end ?? `no answer within ${startMs / 1000} s`;
        throw new Error(`${name} did not start: ${why}; its output is in ${relative(root, log)}`);
      }
    }
  } catch (error) {
    await stopProgram(program);
    throw error;
  } finally {
    client.destroy();
  }
  return { access, log: relative(root, log), stop: () => stopProgram(program) };
}

async function answers(client: DynamoDBClient): Promise<boolean> {
  return client.send(new ListTablesCommand()).then(
    () => true,
    () => false,
  );
}
