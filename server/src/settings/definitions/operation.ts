import { checkAddress } from "../text-checks.js";
import { type Definition, seconds } from "./definition.js";

/** What an operator sees, and how it stops. */
export const operationDefinitions = {
  drainSeconds: {
    ...seconds,
    default: 10,
    range: [0, 3600],
    help: "drain timeout of running calls after SIGTERM or SIGINT",
  },
  adminListen: {
    type: "string",
    placeholder: "HOST:PORT",
    check: checkAddress,
    help: "address of /metrics, /healthz and /readyz over plain HTTP, which show no secrets or keys; unset: none",
  },
  console: {
    type: ["on", "read-only", "off"],
    bareFlag: "on",
    help: "web console at /console on the service's port, for whoever may call; unset: on for `dynakv serve` with the embedded engine, else off",
  },
  accessLog: {
    type: ["off", "failed", "all"],
    default: "failed",
    help: "calls to log; off: only failures of the server or DynamoDB",
  },
  logKeys: {
    type: ["never", "hashed"],
    default: "never",
    help: "log hashes of the keys of calls (docs/observability.md); keys themselves are never logged",
  },
  logLevel: {
    type: ["silent", "fatal", "error", "warn", "info", "debug", "trace"],
    default: "info",
    placeholder: "LEVEL",
    help: "minimum log level",
  },
  logFormat: {
    type: ["auto", "json", "text"],
    default: "auto",
    help: "log format; auto: text on a terminal, JSON elsewhere",
  },
} as const satisfies Record<string, Definition>;
