import { count } from "../count.js";
import { estimateTimeLeft, formatTimeLeft } from "./time-left.js";

/** Progress bar on a terminal, and the summary at the end. */
export interface Progress {
  /** Adds to what this run has done, and says how many bytes of the input are done all together, if there is one. */
  add(entries: number, bytes: number, inputBytes?: number): void;
  /** Tells something on a line of its own. */
  note(line: string): void;
  /** Ends the bar. */
  end(): void;
  /** Summary of this run, such as `1,234 entries, 5.6 MB, in 7.8 s (158 a second)`. */
  summary(): string;
}

export interface ProgressOptions {
  /** Number of bytes the input has, if that is known. Without it there is no bar, and nobody can tell how long it takes. */
  readonly inputBytes?: number | undefined;
  /** Bytes done by earlier runs; by default known with the first of this run. */
  readonly inputDone?: number | undefined;
  readonly isShown: boolean;
  /** Message on Ctrl-C, such as `interrupted; rerun the same command to resume`. */
  readonly stopped: string;
}

const drawMs = 100;
const barWidth = 16;

export function createProgress({ inputBytes, inputDone, isShown, stopped }: ProgressOptions): Progress {
  const startedAt = performance.now();
  let entries = 0;
  let bytes = 0;
  /** First known position in the input. */
  let first = inputDone === undefined ? undefined : { bytes: inputDone, at: startedAt };
  let done = inputDone ?? 0;

  function rate(): string {
    const seconds = Math.max((performance.now() - startedAt) / 1000, 0.001);
    return `${Math.round(entries / seconds).toLocaleString("en")} a second`;
  }

  function draw(): void {
    const line = [...drawShare(), count(entries, "entry", "entries"), formatBytes(bytes), rate()].join("  ");
    // One that is wider than the terminal would go on in a second line, which nothing erases.
    process.stderr.write(`\r${line.slice(0, (process.stderr.columns ?? 80) - 1)}${eraseRest}`);
  }

  function drawShare(): string[] {
    if (!inputBytes) {
      return [];
    }
    const share = Math.min(1, done / inputBytes);
    const full = Math.round(share * barWidth);
    const percent = Math.floor(share * 100).toString();
    const left =
      first &&
      estimateTimeLeft({
        total: inputBytes,
        from: first.bytes,
        at: done,
        elapsedMs: performance.now() - first.at,
      });
    return [
      `[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${percent.padStart(3)} %`,
      ...(left === undefined ? [] : [formatTimeLeft(left)]),
    ];
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
    add(moreEntries, moreBytes, inputNow = done) {
      entries += moreEntries;
      bytes += moreBytes;
      done = inputNow;
      first ??= { bytes: inputNow, at: performance.now() };
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
