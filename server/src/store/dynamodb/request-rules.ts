import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { hasFailedConnecting } from "./agents.js";
import { readSuccess } from "./answer.js";
import type { AskedFor } from "./answer-shape.js";
import { isRefusedCredentials } from "./aws-errors.js";
import { createCredentialRenewal } from "./credential-renewal.js";
import { NeverSentError } from "./never-sent.js";
import type { SigningCredentials } from "./sigv4.js";

/** The SDK's context of one request. */
interface RequestContext {
  readonly commandName?: string;
  readonly __smithy_context?: { readonly selectedHttpAuthScheme?: { readonly identity?: object } };
}

/** The credentials that signed a request. */
function identityIn({ __smithy_context: kept }: RequestContext): SigningCredentials | undefined {
  return kept?.selectedHttpAuthScheme?.identity as SigningCredentials | undefined;
}

/**
 * Makes a client of the SDK's keep to what the lean data plane keeps to: what is no answer of DynamoDB's is a failure, a failure
 * tells whether the request was sent, and credentials that are refused are read again, once.
 */
export function addRequestRules(
  stack: DynamoDBClient["middlewareStack"],
  { config }: Pick<DynamoDBClient, "config">,
): void {
  const renewal = createCredentialRenewal((options) => config.credentials(options));
  const sent = new WeakSet<object>();

  stack.add(
    (next, context) => async (args) => {
      const send = async () => {
        sent.delete(context);
        try {
          return await next(args);
        } catch (error) {
          if (!sent.has(context)) {
            throw new NeverSentError("preparing", error);
          }
          throw hasFailedConnecting(error) ? new NeverSentError("connecting", error) : error;
        }
      };
      try {
        return await send();
      } catch (error) {
        const identity = identityIn(context as RequestContext);
        if (identity === undefined || !isRefusedCredentials(error) || !(await renewal.renew(identity))) {
          throw error;
        }
        return send();
      }
    },
    { name: "dynakvRequestRules", step: "initialize", priority: "high" },
  );

  // At low priority it is the last before the socket, and the first to see an answer.
  stack.add(
    (next, context) => async (args) => {
      sent.add(context);
      const result = await next(args);
      const response = result.response as SdkResponse;
      if (response.statusCode < 300) {
        const body = await collect(response.body);
        const operation = (context as RequestContext).commandName?.replace(/Command$/, "") ?? "";
        const contentType = contentTypeIn(response.headers);
        readSuccess(operation, args.input as AskedFor, { status: response.statusCode, contentType, body });
        // It has been read, and the SDK takes bytes as well.
        response.body = body;
      }
      return result;
    },
    { name: "dynakvAnswerRules", step: "deserialize", priority: "low" },
  );
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** A stream, whose kind depends on the request handler. */
  body: AsyncIterable<Uint8Array> | Uint8Array | undefined;
}

/** A request handler of a caller's own may leave names as they came. */
function contentTypeIn(headers: SdkResponse["headers"]): string | undefined {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === "content-type");
  return name === undefined ? undefined : headers[name];
}

async function collect(body: SdkResponse["body"]): Promise<Buffer> {
  if (body === undefined || body instanceof Uint8Array) {
    return Buffer.from(body ?? []);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
