import { classifyError, isAboutCredentials } from "../store/dynamodb/aws-errors.js";
import type { Check, Patient } from "./check.js";
import { type Finding, failure, ok, skipped, warning } from "./finding.js";
import { type Necessity, type RightInAws, rights } from "./rights.js";

const advice =
  "allow it in the policy of the role or user, for this table; the least policy is below; one with dynamodb:LeadingKeys may deny it for the key that is tried, dynakv:probe, and for no other";

/** Tries each right, in ways that change nothing. */
export const checkRights: Check = async (patient) => {
  const findings: Finding[] = [];
  for (const right of rights) {
    if (right.attempt !== undefined && right.neededBy(patient.settings) !== "nothing") {
      findings.push(await tryRight(patient, right));
    }
  }
  return findings;
};

async function tryRight(patient: Patient, { action, need, attempt, neededBy }: RightInAws): Promise<Finding> {
  const { connection, layout, signal, known, settings } = patient;
  const subject = `right ${action}`;
  if (known.unusable !== undefined) {
    return skipped(subject, known.unusable);
  }
  if (known.isMissing === true) {
    return skipped(subject, "the table is not there");
  }
  try {
    await attempt?.(connection.client, layout, signal);
    return ok(subject, "allowed");
  } catch (error) {
    signal.throwIfAborted();
    const { kind } = classifyError(error);
    const { name } = error as Error;
    switch (kind) {
      // It was allowed to fail.
      case "condition-failed":
        return ok(subject, "allowed");
      case "table-missing":
        return skipped(subject, "the table is not there");
      case "throttled":
        return warning(
          subject,
          "allowed, but throttled",
          "give the table more capacity, or bill it on demand; look at CloudWatch's throttling events",
        );
      case "unsupported":
        return skipped(subject, "the engine does not have the call");
      case "clock-skew":
        known.unusable = "signatures are refused for this machine's clock";
        return failure(subject, `refused for the time in its signature (${name})`, "set this machine's clock right");
      case "denied":
        if (isAboutCredentials(error)) {
          known.unusable = "the credentials are refused";
          return failure(
            subject,
            `the credentials are refused (${name})`,
            "renew the credentials: they are wrong, expired, or of another partition than the region",
          );
        }
        return deniedRight(subject, need, neededBy(settings));
      case "unreachable":
      case "foreign":
      case "aborted":
        known.unusable = "the endpoint does not answer";
        return failure(subject, `no answer (${name})`, "look at the network, and try again");
      default:
        return failure(subject, `failed with ${name}`, "look at the table's schema, and at the engine's own log");
    }
  }
}

function deniedRight(subject: string, need: string, necessity: Necessity): Finding {
  const detail = `denied: without it, ${need}`;
  switch (necessity) {
    case "calls":
      return failure(subject, detail, advice);
    case "comfort":
      return warning(subject, detail, advice);
    default:
      // As it should be for a server of which nobody wants that.
      return { level: "skipped", subject, detail };
  }
}
