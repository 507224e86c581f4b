import { isEmbedded } from "../settings/is-embedded.js";
import { environmentName } from "../settings/setting-names.js";
import { type Settings, settingDefinitions } from "../settings/settings.js";

/** Variables that hold secrets, with their values. */
export type SecretVariables = Readonly<Record<string, string>>;

/** Beside our own settings: those that the AWS SDK, OpenTelemetry and the commands that call a server read. */
const others = [
  "DYNAKV_TOKEN",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
] as const;

/**
 * Takes the variables that hold secrets out of the environment: Node's diagnostic reports show all of it, and so does every
 * program that this one might start. AWS's are left where {@link withCredentials} has no use for them.
 */
export function takeSecrets(environment: NodeJS.ProcessEnv): SecretVariables {
  const ours = settingDefinitions.filter(({ isSecret }) => isSecret).map(({ name }) => environmentName(name));
  const taken: Record<string, string> = {};
  for (const name of [...ours, ...others]) {
    const value = environment[name];
    if (value !== undefined && !(name.startsWith("AWS_") && !areStatic(environment))) {
      taken[name] = value;
    }
  }
  for (const name of Object.keys(taken)) {
    delete environment[name];
  }
  // Node 22.13 and newer can leave the environment out of reports altogether.
  const report = process.report as { excludeEnv?: boolean };
  if (report.excludeEnv === false) {
    report.excludeEnv = true;
  }
  return taken;
}

/** The credentials that the AWS chain would find in the environment first, as settings, now that it finds them there no more. */
export function withCredentials(
  settings: Settings,
  secrets: SecretVariables,
  environment: NodeJS.ProcessEnv,
): Settings {
  const { AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = secrets;
  const { AWS_ACCESS_KEY_ID: accessKeyId } = environment;
  return secretAccessKey === undefined || settings.accessKeyId !== undefined || isEmbedded(settings)
    ? settings
    : { ...settings, accessKeyId, secretAccessKey, sessionToken };
}

/** Returns true if the AWS chain would take fixed credentials from the environment: it prefers a profile, and knows when some expire. */
function areStatic(environment: NodeJS.ProcessEnv): boolean {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_CREDENTIAL_EXPIRATION } = environment;
  return !AWS_PROFILE && !!AWS_ACCESS_KEY_ID && !!AWS_SECRET_ACCESS_KEY && !AWS_CREDENTIAL_EXPIRATION;
}
