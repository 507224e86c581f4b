import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";

/** Holds a process and its children to so much memory: more, and the kernel ends it. */
export interface MemoryLimit {
  /** What a shell does before it becomes the process. */
  readonly prelude: string;
  /** Flags for Node where the machine has no control groups to write to. */
  readonly nodeFlags: readonly string[];
  readonly kind: "cgroup" | "heap";
  remove(): void;
}

const cgroup2 = "/sys/fs/cgroup/cgroup.controllers";
/** What V8 takes of a container's memory by itself. */
const heapShare = 0.5;

export function createMemoryLimit(megabytes: number): MemoryLimit {
  const isSecond = existsSync(cgroup2);
  const folder = `/sys/fs/cgroup/${isSecond ? "" : "memory/"}dynakv-attack-${process.pid}-${megabytes}`;
  try {
    mkdirSync(folder);
    writeFileSync(`${folder}/${isSecond ? "memory.max" : "memory.limit_in_bytes"}`, String(megabytes * 1024 * 1024));
  } catch {
    const heapMegabytes = Math.floor(megabytes * heapShare);
    return { prelude: "", nodeFlags: [`--max-old-space-size=${heapMegabytes}`], kind: "heap", remove() {} };
  }
  return {
    prelude: `echo $$ > ${folder}/cgroup.procs; `,
    nodeFlags: [],
    kind: "cgroup",
    remove() {
      try {
        rmdirSync(folder);
      } catch {
        // Something of the process is still there; an empty group costs nothing.
      }
    },
  };
}
