import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { refuseEmptyAnswers } from "./refuse-empty-answers.js";

export interface DynamoDBClientOptions {
  /** The region; undefined leaves it to the AWS chain. */
  region: string | undefined;
  /** The endpoint; undefined means that of AWS. */
  endpoint: string | undefined;
  /** The credentials; undefined leaves them to the AWS default chain. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
}

/** What both ways to DynamoDB, the SDK's and the lean one, keep to. */
export const timeouts = {
  /** How long DynamoDB may take to accept a connection, before the try counts as failed. */
  connectTimeoutMs: 2000,
  /** How long one try may take. A batch of 16 MB needs its time; a caller's deadline cuts it shorter. */
  answerTimeoutMs: 10_000,
  /** More requests than this wait for a connection; MGet alone may have 256 in flight. */
  maxConnections: 512,
} as const;

export function createDynamoDBClient({ region, endpoint, credentials }: DynamoDBClientOptions): DynamoDBClient {
  const agentOptions = { keepAlive: true, maxSockets: timeouts.maxConnections };
  const client = new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    // The SDK repeats an increment whose answer was lost, and so counts it twice. What may be repeated is decided in
    // retry.ts, by what the write is and by what the error tells of its outcome.
    maxAttempts: 1,
    logger: silentLogger,
    requestHandler: {
      connectionTimeout: timeouts.connectTimeoutMs,
      requestTimeout: timeouts.answerTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: timeouts.answerTimeoutMs,
      httpAgent: new HttpAgent(agentOptions),
      httpsAgent: new HttpsAgent(agentOptions),
    },
  });
  refuseEmptyAnswers(client.middlewareStack);
  return client;
}

// Without one the SDK warns on the console, and it would log inputs, values included, at debug level.
const silentLogger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
