import type { JSONWebKeySet, JWK } from "jose";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { fetchJwks, parseJwks } from "../access/jwks.js";
import { algorithms } from "../access/jwts.js";
import type { Settings } from "../settings/settings.js";
import { isJwksUrl } from "../settings/text-checks.js";
import { type Finding, ok, warning } from "./finding.js";

const subject = "jwks";

/** Asks the URL of the keys once, as the server does when it starts. The server starts without it, too, and asks again. */
export async function checkJwksUrl({ jwks }: Settings, signal: AbortSignal): Promise<readonly Finding[]> {
  if (jwks === undefined || !isJwksUrl(jwks)) {
    return [];
  }
  try {
    return [await examineKeys(await fetchJwks(jwks, signal), "the URL's answer")];
  } catch (error) {
    signal.throwIfAborted();
    // The URL itself may hold a secret.
    const detail = error instanceof UsageError ? error.message.replace(/^jwks: /, "") : "the URL cannot be asked";
    return [
      warning(
        subject,
        `${detail}: callers with JWTs are refused until it holds keys`,
        "check the URL (jwks_uri in the issuer's /.well-known/openid-configuration), DNS, and the way out of this network",
      ),
    ];
  }
}

/**
 * Checks whether JWTs can be verified by the keys.
 *
 * @param label what errors call them
 * @throws UsageError
 */
export async function examineKeys(text: string, label: string): Promise<Finding> {
  const { keys } = parseJwks(text, label);
  const { createLocalJWKSet } = await import("jose");
  const canCheck = async (key: JWK) => {
    const find = createLocalJWKSet({ keys: [key] } as JSONWebKeySet);
    const tries = algorithms.map((alg) => find({ alg }).catch(() => undefined));
    return (await Promise.all(tries)).some((found) => found !== undefined);
  };
  const usable = (await Promise.all(keys.map(canCheck))).filter((each) => each).length;
  return usable === 0
    ? warning(
        subject,
        `holds ${keys.length}, and none that can check a JWT: callers with one are refused`,
        `have the issuer sign by one of ${algorithms.join(", ")}`,
      )
    : ok(
        subject,
        usable === keys.length ? `holds ${usable}` : `holds ${keys.length}, ${usable} of which can check a JWT`,
      );
}
