/** Behaviour under npm. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** npm's names of what people run in the foreground: `npm start`, and `npx dynakv serve`. */
const foreground: readonly (string | undefined)[] = ["start", "npx"];
const lookMs = 250;

/** As they are when this is loaded: npm may end while the server starts. */
const starters = findStarters();

/** Returns true if a person, or a script, has started this process by npm and waits for it. */
export function isStartedByNpm({ npm_lifecycle_event }: NodeJS.ProcessEnv): boolean {
  return foreground.includes(npm_lifecycle_event);
}

/**
 * Calls back once npm has ended, if it has started this process. npm hands SIGTERM on to the shell that it runs commands by, which
 * ends without a word to them; of SIGHUP and SIGKILL nobody hears.
 */
export function whenNpmEnds(env: NodeJS.ProcessEnv, ended: () => void): void {
  // A process in its own session is meant to stay.
  const isDetached = readStat(process.pid)?.session === `${process.pid}`;
  if (!isStartedByNpm(env) || isDetached) {
    return;
  }
  const timer = setInterval(() => {
    const now = findStarters();
    if (now === undefined || now !== starters) {
      clearInterval(timer);
      ended();
    }
  }, lookMs).unref();
}

/** The parent, and its parent if it is a shell, which stays when npm is killed; undefined once another has adopted this process. */
function findStarters(): string | undefined {
  const { ppid } = process;
  const parent = readStat(ppid);
  if (parent === undefined) {
    return `${ppid}`;
  }
  // npm is of the same session as what it starts. Who adopts an orphan is not.
  if (parent.session !== readStat(process.pid)?.session) {
    return undefined;
  }
  return parent.name.endsWith("sh") ? `${ppid} ${parent.parent}` : `${ppid}`;
}

/** /proc/PID/stat on Linux; undefined elsewhere. */
function readStat(pid: number) {
  try {
    const [, name = "", parent, session] =
      /^\d+ \((.*)\) \S (\d+) \d+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return { name, parent, session };
  } catch {
    return undefined;
  }
}

/** Returns true if `npx NAME` runs a program that is installed here. npx would fetch another package of that name otherwise. */
export function isInstalled(name: string, folder = process.cwd()): boolean {
  const parent = dirname(folder);
  return existsSync(join(folder, "node_modules", ".bin", name)) || (parent !== folder && isInstalled(name, parent));
}
