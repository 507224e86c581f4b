import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createAgents } from "./agents.js";
import { createCredentialChain, trimCredentials } from "./credential-chain.js";
import { directNetwork, type Network } from "./network.js";
import { addRequestRules } from "./request-rules.js";
import { timeouts } from "./timeouts.js";

export interface DynamoDBClientOptions {
  /** The region; undefined leaves it to the AWS chain. */
  region: string | undefined;
  /** The endpoint; undefined means that of AWS. */
  endpoint: string | undefined;
  /** The credentials; undefined leaves them to the AWS default chain. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
  /** Proxy and authorities; the default is none. */
  network?: Network;
}

export function createDynamoDBClient(options: DynamoDBClientOptions): DynamoDBClient {
  const { region, endpoint, credentials, network = directNetwork } = options;
  const client = new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(endpoint === undefined || isOfAws(endpoint) ? {} : { useFipsEndpoint: false, useDualstackEndpoint: false }),
    ...(credentials === undefined
      ? { credentialDefaultProvider: createCredentialChain }
      : { credentials: trimCredentials(credentials) }),
    // The SDK repeats an increment whose answer was lost, and so counts it twice. What may be repeated is decided in
    // retry.ts, by what the write is and by what the error tells of its outcome.
    maxAttempts: 1,
    logger: silentLogger,
    requestHandler: {
      connectionTimeout: timeouts.connectTimeoutMs,
      requestTimeout: timeouts.answerTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: timeouts.answerTimeoutMs,
      ...createAgents({ network, ...timeouts }),
    },
  });
  keepVariantsToAws(client);
  addRequestRules(client.middlewareStack, client);
  return client;
}

/** AWS's endpoint domains: global, China, and their dual-stack forms. */
const awsDomains = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn"];

/** Returns true if an endpoint has one of AWS's own names. */
export function isOfAws(endpoint: string): boolean {
  const hostname = URL.canParse(endpoint) ? new URL(endpoint).hostname : "";
  return awsDomains.some((domain) => hostname.endsWith(`.${domain}`));
}

/**
 * AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT choose between names of AWS's. The SDK refuses them beside any other
 * endpoint, which may come from the environment or the AWS files, and so is known only when a request is made.
 */
function keepVariantsToAws({ config }: DynamoDBClient): void {
  const { endpointProvider } = config;
  config.endpointProvider = (parameters, context) =>
    endpointProvider(
      parameters.Endpoint === undefined || isOfAws(parameters.Endpoint)
        ? parameters
        : { ...parameters, UseFIPS: false, UseDualStack: false },
      context,
    );
}

// Without one the SDK warns on the console, and it would log inputs, values included, at debug level.
const silentLogger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
