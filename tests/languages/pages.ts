import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tools/root.js";

export interface LanguagePage {
  /** The files that the page shows, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** The shell commands that prepare the program, and the one that runs it. */
  readonly setup: string;
  readonly run: string;
  /** What the page says that it prints. */
  readonly output: string;
}

/** Each language, and the program without which its page cannot be tried. */
export const languages = { python: "python3", go: "go", java: "mvn" } as const;
export type Language = keyof typeof languages;

/** Reads docs/languages/: a block of code is named after its language, by a file's name, `setup`, `run` or `output`. */
export function readPage(language: Language): LanguagePage {
  const page = readFileSync(join(root, `docs/languages/${language}.md`), "utf8");
  const blocks = new Map<string, string>();
  for (const [, name = "", text = ""] of page.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) {
    blocks.set(name, text);
  }
  const take = (name: string) => {
    const text = blocks.get(name);
    if (text === undefined) {
      throw new Error(`docs/languages/${language}.md has no block '${name}'`);
    }
    blocks.delete(name);
    return text;
  };
  return { setup: take("setup"), run: take("run"), output: take("output"), files: blocks };
}
