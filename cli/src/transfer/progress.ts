import { count } from "../count.js";

/** How far a long command has come, for a person at a terminal, and what it has done in the end. */
export interface Progress {
  /** Adds to what this run has done. */
  add(entries: number, bytes: number): void;
  /** Tells something on a line of its own. */
  note(line: string): void;
  /** Ends the bar. */
  end(): void;
  /** What this run has done, such as `1,234 entries, 5.6 MB, in 7.8 s (158 a second)`. */
  summary(): string;
}

export interface ProgressOptions {
  /** How many bytes there are in all, if that is known. */
  readonly totalBytes?: number | undefined;
  /** How many of them earlier runs have done. */
  readonly doneBytes?: number;
  /** Whether a person watches. */
  readonly isShown: boolean;
  /** What a person is told who stops it, such as `stopped; the same command goes on`. */
  readonly stopped: string;
}

const drawMs = 100;
const barWidth = 24;

export function createProgress({ totalBytes, doneBytes = 0, isShown, stopped }: ProgressOptions): Progress {
  const startedAt = performance.now();
  let entries = 0;
  let bytes = 0;

  function rate(): string {
    const seconds = Math.max((performance.now() - startedAt) / 1000, 0.001);
    return `${Math.round(entries / seconds).toLocaleString("en")} a second`;
  }

  function draw(): void {
    const share = totalBytes ? Math.min(1, (doneBytes + bytes) / totalBytes) : undefined;
    const full = Math.round((share ?? 0) * barWidth);
    const bar =
      share === undefined
        ? ""
        : `[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${Math.floor(share * 100)
            .toString()
            .padStart(3)} %  `;
    process.stderr.write(`\r${bar}${count(entries, "entry", "entries")}  ${formatBytes(bytes)}  ${rate()}${eraseRest}`);
  }

  const clear = () => isShown && process.stderr.write(`\r${eraseRest}`);
  // By a timer of its own, so that a command which waits is seen to wait.
  const timer = isShown ? setInterval(draw, drawMs).unref() : undefined;
  /** Ctrl-C ends it as ever, but not in the middle of the bar's line. */
  const stop = () => {
    end();
    process.stderr.write(`dynakv: ${stopped}\n`);
    process.kill(process.pid, "SIGINT");
  };

  function end(): void {
    clearInterval(timer);
    process.off("SIGINT", stop);
    clear();
  }

  if (isShown) {
    process.on("SIGINT", stop);
  }
  return {
    add(moreEntries, moreBytes) {
      entries += moreEntries;
      bytes += moreBytes;
    },
    note(line) {
      clear();
      process.stderr.write(`dynakv: ${line}\n`);
    },
    end,
    summary() {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      return `${count(entries, "entry", "entries")}, ${formatBytes(bytes)}, in ${seconds} s (${rate()})`;
    },
  };
}

/** Erases the terminal's line from the cursor on. */
const eraseRest = "\u001b[K";

function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
