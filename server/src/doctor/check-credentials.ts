import type { Check } from "./check.js";
import { failure, ok } from "./finding.js";

const subject = "credentials";

/** Checks whether there are credentials, and where they come from. Who they are is told by checkIdentity. */
export const checkCredentials: Check = async ({ connection, known }) => {
  const { config } = connection.client;
  known.region = await config.region();
  try {
    const { expiration, ...credentials } = await config.credentials();
    const { $source = {} } = credentials as { $source?: object };
    const source = describeSource(Object.keys($source));
    const until = expiration === undefined ? "" : `, until ${expiration.toISOString()}`;
    return [ok(subject, `${source}${until}`)];
  } catch (error) {
    known.unusable = "there are no credentials";
    return [
      failure(
        subject,
        `none were found (${(error as Error).name})`,
        "give this process a role, a profile (AWS_PROFILE) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or set accessKeyId and secretAccessKey",
      ),
    ];
  }
};

/** The SDK notes which of its providers it had them from. */
function describeSource(notes: readonly string[]): string {
  const [found] = sources.filter(([note]) => notes.some((each) => each.startsWith(note)));
  return found?.[1] ?? "found";
}

const sources: readonly (readonly [string, string])[] = [
  ["CREDENTIALS_STS_ASSUME_ROLE_WEB_ID", "of a role, by a web identity token"],
  ["CREDENTIALS_STS_ASSUME_ROLE", "of a role that a profile assumes"],
  ["CREDENTIALS_SSO", "of a profile, by single sign-on"],
  ["CREDENTIALS_PROFILE", "of a profile in the AWS files"],
  ["CREDENTIALS_PROCESS", "of a profile's credential process"],
  ["CREDENTIALS_ENV_VARS", "from the environment's AWS variables"],
  ["CREDENTIALS_HTTP", "of the container's role"],
  ["CREDENTIALS_IMDS", "of the instance's role"],
  ["CREDENTIALS_CODE", "from dynakv's settings"],
];
