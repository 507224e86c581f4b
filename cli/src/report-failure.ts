import { Code } from "@connectrpc/connect";
import { DynakvError, type Reason } from "@dynakv/client";
import { codeName } from "../../common/code-name.js";
import { type ExitCode, exitCodes } from "../../common/command-line/exit-codes.js";
import { UsageError } from "../../common/command-line/usage-error.js";

/** A command that has come to an end of its own, with what to tell and the code to end with. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Tells on stderr, in one line, what has failed and what to do, and returns the code to end with. */
export function reportFailure(error: unknown): ExitCode {
  process.stderr.write(`dynakv: ${oneLine(describe(error))}\n`);
  if (error instanceof CommandError) {
    return error.exitCode;
  }
  if (error instanceof UsageError) {
    return exitCodes.usage;
  }
  return error instanceof DynakvError ? exitCodeOf(error) : exitCodes.failed;
}

function exitCodeOf({ outcome, reason, code }: DynakvError): ExitCode {
  if (outcome === "UNKNOWN") {
    return exitCodes.unknown;
  }
  if (negative.has(reason)) {
    return exitCodes.no;
  }
  return code === Code.InvalidArgument ? exitCodes.usage : exitCodes.failed;
}

/** The reasons that are an answer: the server did what it was asked, and it was not so. */
const negative: ReadonlySet<Reason> = new Set<Reason>([
  "ALREADY_EXISTS",
  "NOT_PRESENT",
  "ETAG_MISMATCH",
  "WRONG_KIND",
  "OUT_OF_BOUNDS",
]);

function describe(error: unknown): string {
  if (error instanceof DynakvError) {
    return describeCall(error);
  }
  return error instanceof Error && error.message !== "" ? error.message : "failed for an unknown reason";
}

/** Message, code and reason of a failed call, and what to do. */
export function describeCall(error: DynakvError, advice = advise(error)): string {
  const { message, reason, code } = error;
  const names = [codeName(code), reason === "UNSPECIFIED" ? "" : reason];
  return `${message} (${[...new Set(names)].filter(Boolean).join(" ")})${advice === "" ? "" : `; ${advice}`}`;
}

function advise({ message, reason, code, outcome, currentEtag, retryable }: DynakvError): string {
  if (outcome === "UNKNOWN") {
    return "outcome unknown: read the key before retrying";
  }
  switch (reason) {
    case "UNREACHABLE":
      // The client has said what to do.
      if (/use an address of https?:/.test(message)) {
        return "";
      }
      if (/closed before|ECONNRESET/.test(message)) {
        return "is the server running there? For a TLS server use an https:// address";
      }
      if (/certificate|\bssl\b|\btls\b/i.test(message)) {
        return "check --ca, and --cert and --key for a client certificate";
      }
      return "is the server running? set --address or DYNAKV_ADDRESS";
    case "ALREADY_EXISTS":
    case "ETAG_MISMATCH":
      return currentEtag === undefined ? "" : `its etag is ${currentEtag}`;
    case "DEADLINE_EXCEEDED":
      return "raise --timeout to wait longer";
    case "WRONG_KIND":
      return "delete the key first to change its kind";
    default:
  }
  switch (code) {
    case Code.Unauthenticated:
      return "pass a valid token by --token-file or DYNAKV_TOKEN";
    case Code.PermissionDenied:
      return "ask the server's operator for access";
    case Code.Unimplemented:
      return "the server may be older than this command, or have it disabled";
    default:
      return retryable ? "try again later" : "";
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
