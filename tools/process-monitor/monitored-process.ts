import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { startProgram, stopProgram } from "../programs.js";
import { root } from "../root.js";
import type { Answer, Usage } from "./answer.js";

/** A process that can be asked what it has spent. */
export interface BenchProcess {
  /** Asks a question that its module answers. */
  ask<Result>(name: string, input?: unknown): Promise<Result>;
  usage(): Promise<Usage>;
  /** Resolves with the first match in what it prints. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly child: ChildProcess;
  /** What it has written to stderr so far. */
  stderr(): string;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  /** What is imported before the module; the default tells {@link Usage}. */
  readonly preload?: URL;
  /** Flags for Node; the default is none. */
  readonly nodeFlags?: readonly string[];
  /** What a shell does before it becomes the process; the default is that there is no shell. */
  readonly prelude?: string;
  /** Takes what is written to stderr as it comes, so that none of it is kept. */
  readonly onStderr?: (text: string) => void;
}

/** The environment without what the machine may have set for dynakv or AWS; nothing is asked of an instance's metadata. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DYNAKV|AWS)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
}

/** Starts a module, named from the root of the repository, in a process of its own. */
export function startProcess(
  module: string,
  args: readonly string[] = [],
  { preload = new URL("usage.ts", import.meta.url), nodeFlags = [], prelude = "", onStderr }: ProcessOptions = {},
): BenchProcess {
  const preloads = ["--import", "tsx", "--import", preload.href];
  const command = [process.execPath, ...nodeFlags, ...preloads, module, ...args];
  const [file = "", ...given] = prelude === "" ? command : ["sh", "-c", `${prelude}exec "$0" "$@"`, ...command];
  const child = startProgram(file, given, {
    cwd: root,
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (onStderr === undefined) {
      stderr += text;
    } else {
      onStderr(text);
    }
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on("message", (answer: Answer) => {
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) {
      asker?.reject(new Error(`${module}: ${answer.error}`));
    } else {
      asker?.resolve(answer.result);
    }
  });
  const ended = once(child, "close").then(() => {
    throw new Error(`${module} has ended: ${stderr}`);
  });
  ended.catch((error: Error) => {
    for (const { reject } of waiting.values()) {
      reject(error);
    }
    waiting.clear();
  });

  function ask<Result>(name: string, input?: unknown): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      child.send({ id, name, input }, (error) => {
        if (error !== null) {
          waiting.delete(id);
          reject(error);
        }
      });
    });
  }

  return {
    ask,
    usage: () => ask<Usage>("usage"),
    printed(pattern) {
      const match = new Promise<RegExpExecArray>((resolve) => {
        const look = () => {
          const found = pattern.exec(stdout);
          if (found !== null) {
            child.stdout?.off("data", look);
            resolve(found);
          }
        };
        child.stdout?.on("data", look);
        look();
      });
      return Promise.race([match, ended]);
    },
    child,
    stderr: () => stderr,
    stop: () => stopProgram(child),
  };
}
