import { createRequire } from "node:module";
import type { DestinationStream, Logger } from "pino";
import type { Settings } from "../settings/settings.js";

export interface LoggerOptions {
  readonly level: Settings["logLevel"];
  readonly format: Settings["logFormat"];
  /**
   * True if lines may wait a moment and go together: an access log of every call costs a third of what it does otherwise. What waits
   * is written when the process ends, unless it is killed. Default: false.
   */
  readonly buffered?: boolean;
}

const require = createRequire(import.meta.url);
const bufferBytes = 8192;
const flushMs = 200;

const nothing = () => {};
/** A logger that writes nothing, for which pino is not loaded. */
const silentLogger = {
  level: "silent",
  fatal: nothing,
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  child: () => silentLogger,
} as unknown as Logger;

/** A logger to stderr: stdout is for what a person or a script asked for. pino is loaded only now: a server may be given another. */
export function createLogger({ level, format, buffered = false }: LoggerOptions): Logger {
  if (level === "silent") {
    return silentLogger;
  }
  const { destination, pino } = require("pino") as typeof import("pino");
  const stderr = 2;
  if (format === "text" || (format === "auto" && process.stderr.isTTY === true)) {
    return pino({ level, base: null }, prettyTo(stderr));
  }
  const how = buffered ? { sync: false, minLength: bufferBytes, periodicFlush: flushMs } : { sync: true };
  return pino({ level, base: null }, destination({ fd: stderr, ...how }));
}

function prettyTo(fd: number): DestinationStream {
  // Loaded for those alone who want it.
  const pretty = require("pino-pretty") as typeof import("pino-pretty");
  return pretty({ destination: fd, sync: true, ignore: "pid,hostname", colorize: process.stderr.isTTY ?? false });
}
