import { UsageError } from "../../../common/command-line/usage-error.js";
import { parsePolicy } from "../access/policy.js";
import { parseTls, tlsPaths } from "../access/tls-files.js";
import { parseTokens } from "../access/tokens.js";
import { readBounded } from "../access/watched-files.js";
import type { Settings } from "../settings/settings.js";
import { isJwksUrl } from "../settings/text-checks.js";
import type { Clock } from "../store/layout/entry.js";
import { examineKeys } from "./check-jwks.js";
import { type Finding, failure, ok, warning } from "./finding.js";

/** A certificate that ends sooner should have been renewed by now. */
const renewalMs = 14 * 86_400_000;

/** Looks at each file that says who may call, as the server does when it starts, and at what will end soon. */
export async function checkAccessFiles(settings: Settings, clock: Clock): Promise<readonly Finding[]> {
  const { tokensFile, policyFile, jwks } = settings;
  const paths = tlsPaths(settings);
  const findings: Finding[] = [];
  if (paths !== undefined) {
    const { tlsCert, tlsKey, tlsClientCa } = paths;
    const files = [tlsCert, tlsKey, ...(tlsClientCa === undefined ? [] : [tlsClientCa])];
    findings.push(
      await examineFiles("tlsCert", files, (texts) => {
        const { validTo } = parseTls(texts, paths).certificate;
        const leftMs = Date.parse(validTo) - clock();
        if (leftMs < 0) {
          return failure("tlsCert", `expired on ${validTo}`, `renew ${tlsCert}; the server loads it by itself`);
        }
        return leftMs < renewalMs
          ? warning("tlsCert", `expires on ${validTo}`, `renew ${tlsCert}; the server loads it by itself`)
          : ok("tlsCert", `good until ${validTo}, and the key is its own`);
      }),
    );
  }
  if (tokensFile !== undefined) {
    findings.push(
      await examineFiles("tokensFile", [tokensFile], ([text = ""]) => {
        const { entries } = parseTokens(text, tokensFile);
        const expired = entries.filter(({ expires }) => expires !== undefined && Date.parse(expires) <= clock());
        const names = [...new Set(expired.map(({ name }) => name))].join(", ");
        return expired.length === 0
          ? ok("tokensFile", `holds ${entries.length}`)
          : warning(
              "tokensFile",
              `${expired.length} of ${entries.length} have expired: ${names}`,
              "replace those that are needed by `dynakv token new`, and remove the rest",
            );
      }),
    );
  }
  if (policyFile !== undefined) {
    findings.push(
      await examineFiles("policyFile", [policyFile], ([text = ""]) => {
        parsePolicy(text, policyFile);
        return ok("policyFile", "can be read");
      }),
    );
  }
  if (jwks !== undefined && !isJwksUrl(jwks)) {
    findings.push(await examineFiles("jwks", [jwks], ([text = ""]) => examineKeys(text, jwks)));
  }
  return findings;
}

async function examineFiles(
  subject: string,
  paths: readonly string[],
  read: (texts: readonly string[]) => Finding | Promise<Finding>,
): Promise<Finding> {
  try {
    return await read(await Promise.all(paths.map((path) => readBounded(path, path))));
  } catch (error) {
    const detail = error instanceof UsageError ? error.message : "cannot be checked";
    return failure(
      subject,
      detail,
      "fix the file; the server does not start with it, and does not take it when it changes",
    );
  }
}
