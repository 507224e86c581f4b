import { constants, readFile, rename, rm } from "node:fs/promises";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { CommandError } from "../report-failure.js";
import { openPrivate } from "./open-private.js";

/** Interval between saves of the resume state, in milliseconds. */
export const checkpointMs = 1000;

/** A file that says how far a run has come, for the one that goes on after it. */
export interface Checkpoint<T extends object> {
  readonly path: string;
  /** The state left by the last run; undefined when there is none to resume. */
  read(): Promise<T | undefined>;
  /** Finds out whether notes can be written there, before there is anything to lose. Throws a UsageError. */
  checkWritable(label: string): Promise<void>;
  /** Replaces the note, in one step and for good: a crash, or a loss of power, leaves the former or this one. */
  write(state: T): Promise<void>;
  remove(): Promise<void>;
}

const overwriting = constants.O_WRONLY | constants.O_TRUNC;

/** @param isState tells a note of this kind from anything else */
export function createCheckpoint<T extends object>(
  path: string,
  isState: (state: Partial<T>) => boolean,
): Checkpoint<T> {
  const written = `${path}.new`;

  return {
    path,
    async read() {
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
          return undefined;
        }
        throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "it failed"})`);
      }
      const state = parse(text);
      if (state === undefined || !isState(state as Partial<T>)) {
        throw new UsageError(`${path} is not what this command has written; remove it to start over`);
      }
      return state as T;
    },
    async checkWritable(label) {
      try {
        await (await openPrivate(written, overwriting)).close();
        await rm(written);
      } catch (error) {
        throw new UsageError(
          `${label}: ${path} cannot be written (${(error as NodeJS.ErrnoException).code}); give a path that can`,
        );
      }
    },
    async write(state) {
      try {
        const file = await openPrivate(written, overwriting);
        try {
          await file.writeFile(`${JSON.stringify(state)}\n`);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(written, path);
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    async remove() {
      await rm(path, { force: true });
    },
  };
}

/** The error of a command that cannot write its file, such as on a full disk. */
export function unwritable(path: string, error: unknown): CommandError {
  return new CommandError(
    `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "it failed"})`,
    exitCodes.failed,
  );
}

function parse(text: string): object | undefined {
  try {
    const state: unknown = JSON.parse(text);
    return typeof state === "object" && state !== null ? state : undefined;
  } catch {
    return undefined;
  }
}
