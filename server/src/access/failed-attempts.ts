import type { Logger } from "pino";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import type { Call } from "../calls/call.js";
import { DynakvError } from "../errors/dynakv-error.js";
import { networkOf } from "../listener/remote-address.js";

/** Those who fail to say who they are, by their addresses; of IPv6, by their networks of 64 bits. */
export interface Failures {
  /** Counts a failure, waits, and rejects with what the call is answered. */
  refuse(call: Call): Promise<never>;
  /** Counts a connection that TLS handshake failed with. */
  noteHandshake(address: string | undefined, code: string): void;
  /** Writes to the log what is not written yet. */
  close(): void;
}

export interface FailuresOptions {
  readonly logger: Logger;
  /** Log interval of failure counts, in milliseconds. The default is 5,000. */
  readonly logEveryMs?: number;
}

interface Address {
  /** The failures of the last minute or so. */
  count: number;
  lastAt: number;
  waiting: number;
  /** Since the last line about it. */
  unloggedCalls: number;
  unloggedHandshakes: number;
  handshakeCode: string | undefined;
}

/** The wait after the first failure. It doubles with each. */
const firstDelayMs = 10;
const maxDelayMs = 1000;
/** An address without a failure for so long starts anew. */
const forgetMs = 60_000;
/** Calls that wait: of one address, which may be a proxy with many behind it, and of all. Each holds a stream. */
const maxWaitingOfOne = 50;
const maxWaiting = 500;
/** Number of addresses that are known. Those that have failed last are. */
const maxAddresses = 5000;
/** Addresses named in one round of the log. */
const maxNamed = 5;

/**
 * Slows those who try tokens. A token cannot be guessed, fast or slowly; but each try costs a little, and a client that repeats a
 * wrong one for ever should not do so at full speed. Who has a good token never waits, whoever shares the address.
 */
export function createFailures({ logger, logEveryMs = 5000 }: FailuresOptions): Failures {
  const addresses = new Map<string, Address>();
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;

  function note(name: string): Address {
    const now = performance.now();
    const known = addresses.get(name);
    const address =
      known !== undefined && (known.waiting > 0 || now - known.lastAt < forgetMs)
        ? known
        : { count: 0, lastAt: now, waiting: 0, unloggedCalls: 0, unloggedHandshakes: 0, handshakeCode: undefined };
    address.count++;
    address.lastAt = now;
    // To the end: those at the front are the ones that failed longest ago.
    addresses.delete(name);
    addresses.set(name, address);
    for (const [oldest] of addresses) {
      if (addresses.size <= maxAddresses) {
        break;
      }
      addresses.delete(oldest);
    }
    timer ??= setTimeout(log, logEveryMs).unref();
    return address;
  }

  function log(): void {
    timer = undefined;
    const failed = [...addresses].filter(
      ([, { unloggedCalls, unloggedHandshakes }]) => unloggedCalls + unloggedHandshakes > 0,
    );
    for (const [name, address] of failed.slice(-maxNamed)) {
      const { unloggedCalls: calls, unloggedHandshakes: handshakes, handshakeCode } = address;
      if (calls > 0) {
        logger.warn({ address: name, calls }, "authentication failed: no valid token or certificate");
      }
      if (handshakes > 0) {
        logger.info({ address: name, handshakes, code: handshakeCode }, "TLS handshake failed");
      }
    }
    if (failed.length > maxNamed) {
      const rest = failed.slice(0, -maxNamed).map(([, address]) => address);
      const calls = rest.reduce((sum, { unloggedCalls }) => sum + unloggedCalls, 0);
      const handshakes = rest.reduce((sum, { unloggedHandshakes }) => sum + unloggedHandshakes, 0);
      logger.warn({ addresses: rest.length, calls, handshakes }, "authentication failures from other addresses");
    }
    for (const [, address] of failed) {
      address.unloggedCalls = 0;
      address.unloggedHandshakes = 0;
    }
  }

  return {
    async refuse(call) {
      const address = note(networkOf(call.remote ?? "unknown"));
      address.unloggedCalls++;
      if (waiting >= maxWaiting || address.waiting >= maxWaitingOfOne) {
        throw tooMany();
      }
      waiting++;
      address.waiting++;
      await untilEnd(call, Math.min(maxDelayMs, firstDelayMs * 2 ** (address.count - 1)));
      waiting--;
      address.waiting--;
      throw unauthenticated();
    },
    noteHandshake(name, code) {
      const address = note(networkOf(name ?? "unknown"));
      address.unloggedHandshakes++;
      address.handshakeCode = code;
    },
    close() {
      clearTimeout(timer);
      log();
    },
  };
}

/** Waits, but not longer than the caller does. */
function untilEnd(call: Call, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    call.onEnd(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** One message for all that can be wrong: which it was would help nobody but who tries. */
function unauthenticated(): DynakvError {
  return new DynakvError(
    ErrorReason.UNAUTHENTICATED,
    "missing or invalid credentials: the call needs a valid bearer token or client certificate",
    { counted: true },
  );
}

function tooMany(): DynakvError {
  return new DynakvError(ErrorReason.OVERLOADED, "too many failed authentication attempts from this address", {
    retryAfterMs: maxDelayMs,
    counted: true,
  });
}
