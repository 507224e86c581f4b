import { destination, type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { LogFormat, LogLevel } from "./settings/settings.js";

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** A logger to stderr: stdout is for what a person or a script asked for. */
export function createLogger({ level, format }: LoggerOptions): Logger {
  const stderr = 2;
  const stream =
    format === "text"
      ? pretty({ destination: stderr, sync: true, ignore: "pid,hostname", colorize: process.stderr.isTTY ?? false })
      : destination({ fd: stderr, sync: true });
  return pino({ level, base: null }, stream);
}
