import { classifyError } from "../store/dynamodb/aws-errors.js";
import { isOfAws } from "../store/dynamodb/dynamodb-client.js";
import { createSigner } from "../store/dynamodb/sigv4.js";
import type { Check } from "./check.js";
import { type Finding, failure, ok, skipped, warning } from "./finding.js";
import { nameOfError, type PostAnswer, post } from "./post.js";

const subject = "identity";
const contentType = "application/x-www-form-urlencoded; charset=utf-8";

/**
 * Identity of the credentials by AWS's STS. Other engines have none: it is asked only where DynamoDB
 * is AWS's own, or AWS_ENDPOINT_URL_STS says where else.
 */
export const checkIdentity: Check = async ({ connection, signal, clock, known }) => {
  const endpoint = process.env.AWS_ENDPOINT_URL_STS || undefined;
  if (known.unusable !== undefined) {
    return [skipped(subject, known.unusable)];
  }
  // By where the requests really go: the environment and the AWS files can lead elsewhere too.
  if (endpoint === undefined && !isOfAws(`https://${known.hostname}`)) {
    return [];
  }
  if (endpoint !== undefined && !(/^https?:\/\//i.test(endpoint) && URL.canParse(endpoint))) {
    return [
      warning(
        subject,
        "cannot be asked for: AWS_ENDPOINT_URL_STS is not an http:// or https:// URL",
        "fix that variable, or unset it to ask AWS",
      ),
    ];
  }
  if (known.isClockOff === true) {
    return [skipped(subject, "the clock is too far off for what this machine signs")];
  }
  const { config } = connection.client;
  const region = known.region ?? (await config.region());
  const url = new URL(endpoint ?? `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`);
  const body = Buffer.from("Action=GetCallerIdentity&Version=2011-06-15");
  const sign = createSigner({ region, service: "sts" });
  const request = { host: url.host, path: url.pathname, contentType, body };
  const headers = sign(request, await config.credentials(), clock());
  try {
    const answer = await post(url, { network: connection.network, headers, body }, signal);
    return [readIdentity(answer, (account) => (known.account = account))];
  } catch (error) {
    signal.throwIfAborted();
    return [skipped(subject, `${url.host} does not answer (${nameOfError(error)})`)];
  }
};

/** The answer is XML of a few known elements. */
function readIdentity({ status, body: xml }: PostAnswer, onAccount: (account: string) => void): Finding {
  const element = (name: string) => new RegExp(`<${name}>([^<]{1,2048})</${name}>`).exec(xml)?.[1];
  const arn = element("Arn");
  const account = element("Account");
  if (status === 200 && arn !== undefined && account !== undefined) {
    onAccount(account);
    return ok(subject, arn);
  }
  const name = element("Code")?.replace(/\W/g, "") ?? `HTTP status ${status}`;
  const error = { name, message: element("Message"), $metadata: { httpStatusCode: status } };
  switch (classifyError(error).kind) {
    case "clock-skew":
      return failure(subject, `refused for the time in its signature (${name})`, "set this machine's clock right");
    case "throttled":
    case "failing":
      return skipped(subject, `AWS does not tell now (${name})`);
    default:
      return failure(
        subject,
        `AWS rejects the credentials as invalid (${name})`,
        "renew them: they are wrong, expired, or of another partition than the region",
      );
  }
}
