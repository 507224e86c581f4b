import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadConfig } from "@smithy/core/config";
import { SetupError } from "../../errors/dynakv-error.js";

/** The authorities by which AWS is known, where the environment or the profile names others than Node's own. */
export interface TrustedAuthorities {
  /** In PEM; undefined means those that Node trusts. */
  readonly pem: string | undefined;
  /** Source of the setting, such as `AWS_CA_BUNDLE`. */
  readonly source: string | undefined;
}

/**
 * Reads the file that AWS_CA_BUNDLE, or `ca_bundle` of the profile, names. It stands in the place of Node's own authorities, as in
 * the AWS CLI.
 *
 * @throws SetupError when the file cannot be read, or holds no certificate
 */
export async function readTrustedAuthorities(): Promise<TrustedAuthorities> {
  const fromEnvironment = process.env.AWS_CA_BUNDLE?.trim();
  const path = fromEnvironment || (await readProfile());
  if (path === undefined) {
    return { pem: undefined, source: undefined };
  }
  const source = fromEnvironment ? "AWS_CA_BUNDLE" : "ca_bundle of the AWS profile";
  const problem = (what: string, cause?: unknown) =>
    new SetupError(`${source} is '${path}', which ${what}`, { transient: false, cause });
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    throw problem(`cannot be read (${(error as { code?: string }).code})`, error);
  }
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw problem("holds no certificate in PEM", error);
  }
  return { pem, source };
}

const readProfile = () =>
  loadConfig<string | undefined>({
    environmentVariableSelector: () => undefined,
    configFileSelector: ({ ca_bundle }) => ca_bundle,
    default: undefined,
  })();
