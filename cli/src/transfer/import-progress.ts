import { UsageError } from "../../../common/command-line/usage-error.js";
import { checkpointMs, createCheckpoint } from "./checkpoint.js";
import { digestBefore } from "./digest-file.js";

export interface ImportCounts {
  readonly stored: number;
  readonly present: number;
  readonly expired: number;
  readonly bad: number;
}

/** Up to where a file is imported: all lines before that byte are done. */
interface ImportState extends ImportCounts {
  readonly format: "dynakv import 1";
  /** Of the server: another one has nothing of what is done. */
  readonly address: string;
  readonly offset: number;
  readonly lines: number;
  /** A digest of what stands before the offset, to know the file again. */
  readonly before: string;
}

/** Progress of an import. */
export interface ImportProgress {
  /** The byte of the file from which on this run reads. */
  readonly offset: number;
  lines(): number;
  counts(): ImportCounts;
  /** Counts a line, all before which are counted; an empty one is nothing. */
  done(end: number, number: number, what: keyof ImportCounts | undefined): void;
  /** Notes how far it has come, if that is due. */
  noteIfDue(): Promise<void>;
  note(): Promise<void>;
  /** Everything is imported: there is nothing to go on with. */
  finish(): Promise<void>;
}

const nothing: ImportCounts = { stored: 0, present: 0, expired: 0, bad: 0 };

export interface ImportSource {
  readonly file: string;
  /** True if it can be resumed: stdin and other pipes cannot. */
  readonly isFile: boolean;
  readonly notes: string;
  readonly address: string;
}

/** Takes up the progress of an import. */
export async function openImportProgress({ file, isFile, notes, address }: ImportSource): Promise<ImportProgress> {
  const checkpoint = createCheckpoint<ImportState>(
    notes,
    ({ format, offset, lines }) =>
      format === "dynakv import 1" && Number.isSafeInteger(offset) && Number.isSafeInteger(lines),
  );
  if (isFile) {
    await checkpoint.checkWritable("--progress");
  }
  const last = isFile ? await checkpoint.read() : undefined;
  if (last !== undefined && last.address !== address) {
    throw new UsageError(
      `${checkpoint.path} belongs to an import into another server (${last.address}); resume with the same --address, or remove ${checkpoint.path} to start over`,
    );
  }
  if (last !== undefined && last.before !== (await digestBefore(file, last.offset, "FILE"))) {
    throw new UsageError(
      `${file} is not the file that ${checkpoint.path} tells of, or was changed in what is imported; remove ${checkpoint.path} to start over`,
    );
  }
  let counts: ImportCounts = last ?? nothing;
  let at = { offset: last?.offset ?? 0, lines: last?.lines ?? 0 };
  let noted = at;
  let notedAt = performance.now();

  async function note(): Promise<void> {
    notedAt = performance.now();
    if (isFile && noted !== at) {
      const [now, { stored, present, expired, bad }] = [at, counts];
      const before = await digestBefore(file, now.offset, "FILE");
      await checkpoint.write({ format: "dynakv import 1", address, ...now, before, stored, present, expired, bad });
      noted = now;
    }
  }

  return {
    offset: at.offset,
    lines: () => at.lines,
    counts: () => counts,
    done(end, number, what) {
      at = { offset: end, lines: number };
      if (what !== undefined) {
        counts = { ...counts, [what]: counts[what] + 1 };
      }
    },
    async noteIfDue() {
      if (performance.now() - notedAt > checkpointMs) {
        await note();
      }
    },
    note,
    async finish() {
      if (isFile) {
        await checkpoint.remove();
      }
    },
  };
}
