import type { DynakvClient } from "@dynakv/client";
import { Code, DynakvError } from "@dynakv/client";
import { type ExitCode, exitCodes } from "../../../common/command-line/exit-codes.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { lookAtInput, readInput, stdinOr } from "../input.js";
import { CommandError, describeCall } from "../report-failure.js";
import { BadLine, parseLine } from "../transfer/entry-line.js";
import { type ImportCounts, type ImportProgress, openImportProgress } from "../transfer/import-progress.js";
import { createOrderedWork } from "../transfer/in-order.js";
import { createProgress, type Progress } from "../transfer/progress.js";
import { type Line, readLines } from "../transfer/read-lines.js";
import { restoreEntry } from "../transfer/restore.js";

/** Number of bytes of lines that are held at a time, while those before them are in flight. */
const maxBytes = 16 * 1024 * 1024;
/** The client sends them as few requests. */
const defaultConcurrency = 1000;
/** Number of bad lines that are told; the others are counted. */
const maxTold = 20;

export const importEntries = defineCommand({
  usage: "import [FILE]",
  description: `Stores the entries of lines as dynakv export writes them, from a file or stdin,
many at a time: values, counters and expiries as they were, in place of what the
keys hold. Expired entries are skipped. A counter is set to the number in
the file, and never added to it: repeating an import changes nothing.

A line that cannot be stored is reported with its number, and the others go on.
With a FILE the same command, rerun after it was killed or the server was
unreachable, resumes where it stopped. Its state is in FILE.progress, which is
removed at the end.`,
  flags: {
    "if-absent": { type: "boolean", help: "skip keys that already hold an entry" },
    "stop-on-error": { type: "boolean", help: "stop at the first failed line" },
    concurrency: {
      type: "string",
      placeholder: "N",
      help: `concurrent writes; default ${defaultConcurrency}`,
    },
    progress: { type: "string", placeholder: "PATH", help: "file for the resume state; default FILE.progress" },
  },
  examples: ["dynakv import table.jsonl", "gunzip < users.jsonl.gz | dynakv import --if-absent"],
  positionals: [0, 1],
  isPatient: true,
  async run({ client, flags, address, positionals: [given] }) {
    const file = given ?? stdinOr("FILE");
    const concurrency = readConcurrency(flags.concurrency);
    const { isFile, size } = await lookAtInput(file, "FILE");
    const notes = flags.progress ?? `${file}.progress`;
    const progress = await openImportProgress({ file, isFile, notes, address });
    const bar = createProgress({
      isShown: process.stderr.isTTY === true,
      inputBytes: size,
      inputDone: progress.offset,
      stopped: `interrupted; ${isFile ? "rerun the same command to resume" : "stored entries are kept"}`,
    });
    const { "if-absent": ifAbsent, "stop-on-error": stopsOnError } = flags;
    try {
      await importLines({ client, file, progress, bar, concurrency, ifAbsent, stopsOnError });
      await progress.finish();
    } catch (error) {
      // The original failure is reported, not the failed save.
      const isNoted = await progress.note().then(
        () => true,
        () => false,
      );
      const again = !isFile
        ? "stored entries are kept"
        : isNoted
          ? "rerun the same command to resume"
          : `${notes} could not be updated; rerunning resumes from before it`;
      bar.note(`stopped after line ${progress.lines().toLocaleString("en")}; ${again}`);
      throw error instanceof DynakvError ? asStopped(error) : error;
    } finally {
      bar.end();
    }
    return report(progress.counts(), bar);
  },
});

/** Of what is in doubt nobody need be told: it is stored again, and nothing is counted twice. */
function asStopped(error: DynakvError): CommandError {
  const message = error.outcome === "UNKNOWN" ? describeCall(error, "") : describeCall(error);
  return new CommandError(message, exitCodes.failed);
}

interface ImportOptions {
  readonly client: DynakvClient;
  readonly file: string;
  readonly progress: ImportProgress;
  readonly bar: Progress;
  readonly concurrency: number;
  readonly ifAbsent: boolean;
  readonly stopsOnError: boolean;
}

async function importLines({ client, file, progress, bar, concurrency, ...options }: ImportOptions): Promise<void> {
  const work = createOrderedWork({ concurrency, maxBytes });
  const chunks = readInput(file, "FILE", { from: progress.offset, signal: work.failed });
  const keys = createTurns();
  let told = 0;

  function bad(number: number, why: string): keyof ImportCounts {
    if (options.stopsOnError) {
      throw new CommandError(`line ${number} ${why}`, exitCodes.no);
    }
    if (told++ < maxTold) {
      bar.note(`line ${number} ${why}`);
    } else if (told === maxTold + 1) {
      bar.note("further failed lines are counted, not printed");
    }
    return "bad";
  }

  async function store({ number, text, problem }: Line): Promise<keyof ImportCounts> {
    if (text === undefined) {
      return bad(number, problem ?? "cannot be read");
    }
    try {
      const entry = parseLine(text);
      return await keys.take(entry.key, () => restoreEntry(client, entry, options));
    } catch (error) {
      if (error instanceof BadLine) {
        return bad(number, error.message);
      }
      // The server will not take it, now or later. Whatever else fails would fail for the others too.
      if (error instanceof DynakvError && error.code === Code.InvalidArgument) {
        return bad(number, `is refused: ${describeCall(error)}`);
      }
      throw error;
    }
  }

  try {
    for await (const line of readLines(chunks, { from: progress.offset, linesBefore: progress.lines() })) {
      const isEmpty = line.text !== undefined && line.text.trim() === "";
      await work.begin(line.bytes, async () => {
        const what = isEmpty ? undefined : await store(line);
        return () => {
          progress.done(line.end, line.number, what);
          bar.add(isEmpty ? 0 : 1, line.bytes + 1, line.end);
        };
      });
      await progress.noteIfDue();
    }
  } finally {
    // Also when one has failed: what is in flight then is still done, and counts.
    await work.settle();
  }
}

/** Lets work on the same key wait for its turn, so that of two lines with one key the later one stands in the end. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take<T>(key: string, work: () => Promise<T>): Promise<T> {
      const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
      last.set(key, turn);
      try {
        return await turn;
      } finally {
        if (last.get(key) === turn) {
          last.delete(key);
        }
      }
    },
  };
}

function readConcurrency(text: string | undefined): number {
  const concurrency = text === undefined ? defaultConcurrency : /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (concurrency < 1 || concurrency > 1000) {
    throw new UsageError(`--concurrency: ${JSON.stringify(text)} is not from 1 to 1000`);
  }
  return concurrency;
}

function report({ stored, present, expired, bad }: ImportCounts, bar: Progress): ExitCode {
  const counts = [
    `stored ${stored.toLocaleString("en")}`,
    ...(present > 0 ? [`left ${present.toLocaleString("en")} as they were`] : []),
    ...(expired > 0 ? [`passed over ${expired.toLocaleString("en")} that have expired`] : []),
    ...(bad > 0 ? [`could not store ${bad.toLocaleString("en")}`] : []),
  ];
  process.stderr.write(`dynakv: ${counts.join(", ")}; this run: ${bar.summary()}\n`);
  return bad > 0 ? exitCodes.no : exitCodes.done;
}
