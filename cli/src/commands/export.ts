import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { count } from "../count.js";
import { lookAtInput } from "../input.js";
import { readOptions, strongFlag } from "../read-flags.js";
import { CommandError } from "../report-failure.js";
import { digestEnds } from "../transfer/digest-file.js";
import { type ExportBatch, keyBatches, scanBatches } from "../transfer/export-batches.js";
import { type ExportCounts, openExportFile } from "../transfer/export-file.js";
import { createProgress } from "../transfer/progress.js";
import { readKeys } from "../transfer/read-keys.js";

export const exportEntries = defineCommand({
  usage: "export",
  description: `Writes a line of JSON for each entry: key, value (base64) or counter, write time
and expiry; dynakv import reads it. It costs the read capacity of the whole
table, unless the keys are given. What is written to the table meanwhile may or
may not be in it.

With --output the same command, rerun after it was killed or the server was
unreachable, resumes where it stopped: no line is lost or written twice. Its
state is in FILE.cursor, which is removed at the end.`,
  flags: {
    prefix: { type: "string", placeholder: "PREFIX", help: "only keys that begin with it" },
    output: {
      type: "string",
      placeholder: "FILE",
      help: "file to write; default stdout, which cannot be resumed",
    },
    overwrite: { type: "boolean", help: "start over; FILE is replaced when the export completes" },
    "keys-from": {
      type: "string",
      placeholder: "FILE",
      help: "export the keys listed in the file, one per line, without a scan; - is stdin",
    },
    null: { type: "boolean", help: "keys of --keys-from are NUL-terminated instead of newline-terminated" },
    ...strongFlag,
  },
  examples: [
    "dynakv export --output table.jsonl",
    "dynakv export --prefix user: | gzip > users.jsonl.gz",
    "dynakv export --keys-from keys.txt --output some.jsonl",
  ],
  positionals: [0, 0],
  isPatient: true,
  async run({ client, flags, address, timeoutMs }) {
    const { prefix = "", output, overwrite, "keys-from": keysFrom } = flags;
    if (keysFrom !== undefined && flags.prefix !== undefined) {
      throw new UsageError("give --prefix, or --keys-from, not both");
    }
    if (overwrite && output === undefined) {
      throw new UsageError("--overwrite is for --output");
    }
    if (output !== undefined && keysFrom === "-") {
      throw new UsageError("--keys-from: with --output the keys must be in a file, so that it can go on");
    }
    if (output === "-") {
      throw new UsageError("--output: - is no file; without --output the lines go to stdout");
    }
    const sink = output === undefined ? toStdout() : await toFile(output);
    const again = `interrupted; rerun the same command${overwrite ? " without --overwrite" : ""} to resume`;
    // The length of a scan is unknown: DynamoDB's count of items is six hours old, and its order is that of hashes.
    const inputBytes = keysFrom === undefined ? undefined : (await lookAtInput(keysFrom, "--keys-from")).size;
    const progress = createProgress({
      inputBytes,
      inputDone: sink.cursor === "" ? 0 : undefined,
      stopped: output === undefined ? "stopped" : again,
      isShown: process.stderr.isTTY === true && (output !== undefined || !process.stdout.isTTY),
    });
    const options = { ...readOptions(flags), timeoutMs };
    const batches =
      keysFrom === undefined
        ? scanBatches(client, { ...options, prefix, cursor: sink.cursor })
        : readListed(Number(sink.cursor));
    try {
      for await (const batch of batches) {
        await sink.write(batch);
        progress.add(batch.entries, batch.lines.length, batch.inputDone);
      }
      await sink.finish();
    } catch (error) {
      if (await sink.close()) {
        progress.note(`${again}, after ${progress.summary()} in this run`);
      }
      throw error;
    } finally {
      progress.end();
    }
    const { entries, unreadable, missing } = sink.counts();
    const all = sink.cursor === "" ? "" : `, ${entries.toLocaleString("en")} with those of earlier runs`;
    const none = missing === 0 ? "" : `; ${count(missing, "key")} ${missing === 1 ? "holds" : "hold"} nothing`;
    process.stderr.write(`dynakv: exported ${progress.summary()}${all}${none}\n`);
    if (unreadable > 0) {
      throw new CommandError(`${count(unreadable, "key")} could not be read; see the lines with "error"`, exitCodes.no);
    }
    return exitCodes.done;

    async function toFile(path: string) {
      const keysDigest = keysFrom === undefined ? undefined : await digestEnds(keysFrom, "--keys-from");
      const request = { prefix, keysFrom, keysDigest, isNull: flags.null, address };
      return openExportFile(path, request, { overwrite });
    }

    function readListed(done: number) {
      const ends: number[] = [];
      const onKey = (end: number) => ends.push(end);
      const keys = readKeys(keysFrom ?? "", "--keys-from", { isNull: flags.null, skip: done, onKey });
      return keyBatches(client, keys, { ...options, done, ends });
    }
  },
});

function toStdout() {
  const counts = { entries: 0, unreadable: 0, missing: 0 };
  return {
    cursor: "",
    counts: (): ExportCounts => counts,
    async write({ lines, entries, unreadable, missing }: ExportBatch) {
      counts.entries += entries;
      counts.unreadable += unreadable;
      counts.missing += missing;
      await print(lines);
    },
    async finish() {},
    close: async () => false,
  };
}
