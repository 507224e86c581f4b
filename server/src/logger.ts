import { createRequire } from "node:module";
import { type DestinationStream, destination, type Logger, pino } from "pino";
import type { LogFormat, LogLevel } from "./settings/settings.js";

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** A logger to stderr: stdout is for what a person or a script asked for. */
export function createLogger({ level, format }: LoggerOptions): Logger {
  const stderr = 2;
  return pino({ level, base: null }, format === "text" ? prettyTo(stderr) : destination({ fd: stderr, sync: true }));
}

function prettyTo(fd: number): DestinationStream {
  // Loaded for those alone who want it.
  const pretty = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  return pretty({ destination: fd, sync: true, ignore: "pid,hostname", colorize: process.stderr.isTTY ?? false });
}
