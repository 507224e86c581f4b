import { createHash } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import type { Call } from "../calls/call.js";
import { codeOf, methodName } from "../calls/call-names.js";
import { nameOf } from "../calls/enum-names.js";
import type { Interceptor } from "../calls/pipeline.js";
import { describeDefect } from "../errors/describe-defect.js";
import { DynakvError } from "../errors/dynakv-error.js";
import { anyone } from "../service/principal.js";
import type { Settings } from "../settings/settings.js";

export interface AccessLogOptions {
  readonly logger: Logger;
  /** `failed` leaves out the calls that went well; `off` all but those for which the server or DynamoDB is to blame. */
  readonly accessLog: Settings["accessLog"];
  readonly logKeys: Settings["logKeys"];
}

/** One line for each call, when it has ended. */
export interface AccessLog {
  readonly interceptor: Interceptor;
  /** A call has failed when its line was written already, such as one whose client had left. */
  failedLate(call: Call): void;
}

/** So many keys of one call are hashed. The line tells how many there were. */
const maxHashes = 100;

/**
 * Writes the lines. Neither keys nor values stand in them, nor the path of a call that is none of the service's. Nor does the
 * message of an error: AWS's can quote a request's headers, and a defect's whatever it stumbled over.
 */
export function createAccessLog({ logger, accessLog, logKeys }: AccessLogOptions): AccessLog {
  const leaving = new Set<Call>();

  function write(call: Call): void {
    const { failure, error, method } = call;
    if (error === undefined) {
      if (accessLog === "all") {
        logger.info(describe(call), "call");
      }
      return;
    }
    if (failure !== undefined && isDefect(failure)) {
      logger.error({ ...describe(call), defect: describeDefect(failure) }, "call failed: internal error");
      return;
    }
    // A line for each would cost what refusing saves. They are counted, and a warning tells how many there were. And anybody may
    // ask for health, also in a way that fails, and for paths that nobody serves.
    const isCounted = failure instanceof DynakvError && failure.counted;
    if ((isCounted || method === undefined || method.parent === Health) && accessLog !== "all") {
      return;
    }
    const level = error.code === Code.Unavailable && failure instanceof DynakvError ? "warn" : "info";
    if (accessLog !== "off" || level === "warn") {
      logger[level](describe(call), "call failed");
    }
  }

  function describe(call: Call): object {
    const { failure, keys } = call;
    const ours = failure instanceof DynakvError ? failure : undefined;
    return {
      id: call.id,
      method: methodName(call),
      code: codeOf(call),
      reason: call.reason,
      outcome: ours === undefined || ours.outcome === Outcome.UNSPECIFIED ? undefined : nameOf(Outcome, ours.outcome),
      backend: ours?.cause === undefined ? undefined : describeCause(ours.cause),
      ms: roundMs(performance.now() - call.startedAt),
      caller: call.caller === anyone ? undefined : call.caller.name,
      remote: call.remote,
      protocol: call.protocol,
      requestBytes: call.requestBytes,
      responseBytes: call.responseBytes,
      keys: keys?.length,
      keyHashes: logKeys === "hashed" ? keys?.slice(0, maxHashes).map(hashKey) : undefined,
    };
  }

  function end(call: Call): void {
    if (call.error === undefined || call.failure !== undefined) {
      write(call);
      return;
    }
    // Its client has left. What becomes of its work, which is aborted by that, is known in a moment.
    leaving.add(call);
    setImmediate(() => {
      leaving.delete(call);
      write(call);
    });
  }

  return {
    interceptor: (call) => call.onEnd(end),
    failedLate(call) {
      if (!leaving.has(call) && isDefect(call.failure)) {
        write(call);
      }
    },
  };
}

function isDefect(failure: unknown): boolean {
  return !(failure instanceof DynakvError) && !(failure instanceof ConnectError);
}

/** The first 16 hexadecimal digits of a key's SHA-256. */
export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}

/** To the microsecond: a Get can take less than a millisecond. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function describeCause(cause: unknown): object {
  const { name, code, $metadata } = cause as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  return { error: name, code, status: $metadata?.httpStatusCode, requestId: $metadata?.requestId };
}
