import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { NeverSentError } from "./never-sent.js";
import type { RequestSource, SigningTarget } from "./request-source.js";

interface SignedHttpRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: { authorization?: string };
}

/** Carries a request out of the SDK in place of an answer. */
class Intercepted extends Error {
  readonly request: SignedHttpRequest;
  constructor(request: SignedHttpRequest) {
    super("this request was not meant to be sent");
    this.request = request;
  }
}

/** Endpoint, region and credentials of requests as the SDK has them, renewed in time. */
export function sdkSource(client: DynamoDBClient): RequestSource {
  return {
    credentials: (options) => client.config.credentials(options),
    findTarget: () => findSigningTarget(client),
  };
}

/**
 * Asks the SDK where it would send a request, and how it would sign it: it knows the rules of endpoints (partitions, FIPS,
 * accounts, the environment and the profile), and they change. The request is taken from it just before it is sent.
 */
export async function findSigningTarget(client: DynamoDBClient): Promise<SigningTarget> {
  const { protocol, hostname, port, path, headers } = await signOne(client);
  const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? "");
  if (scope === null) {
    throw new Error("the AWS SDK did not sign a request with Signature Version 4; choose the setting dataPlane=sdk");
  }
  const { origin, host } = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
  return { origin, host, path, region: scope[1] ?? "", service: scope[2] ?? "" };
}

async function signOne(client: DynamoDBClient): Promise<SignedHttpRequest> {
  const middlewareStack = client.middlewareStack.clone();
  // The step after the one that signs. Whatever is added at low priority is the last before the socket.
  middlewareStack.add(
    () => (args) => {
      throw new Intercepted(args.request as SignedHttpRequest);
    },
    { name: "interceptSignedRequest", step: "deserialize", priority: "low" },
  );
  const view = Object.create(client, { middlewareStack: { value: middlewareStack } }) as DynamoDBClient;
  try {
    await view.send(new GetItemCommand({ TableName: "none", Key: {} }));
  } catch (error) {
    const cause = error instanceof NeverSentError ? error.cause : error;
    if (cause instanceof Intercepted) {
      return cause.request;
    }
    throw error;
  }
  throw new Error("the AWS SDK sent a request that was not to be sent");
}
