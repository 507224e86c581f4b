import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { root } from "../../tools/root.js";

export interface Block {
  readonly language: string;
  readonly code: string;
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), "utf8");
}

/** The fenced blocks of a page, in their order. */
export function readBlocks(page: string): readonly Block[] {
  const blocks = readPage(page).matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...blocks].map(([, language = "", code = ""]) => ({ language, code }));
}

/** The commands of a console block, each with the output below it. */
export function readCommands(code: string): readonly { command: string; output: string }[] {
  const commands = code.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm);
  return [...commands].map(([, command = "", output = ""]) => ({ command, output }));
}

/** What GitHub makes of a heading: lower case, without punctuation, dashes for spaces. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/[`*]|\[|\]\([^)]*\)/g, "");
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

export interface Link {
  /** Relative to the root. A link into the page itself is the page. */
  readonly target: string;
  readonly anchor?: string;
}

/** The links of a page to files of the repository. */
export function readLinks(page: string): readonly Link[] {
  const links = readPage(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
  return [...links].map(([, path = "", anchor]) => {
    const target = path === "" ? page : normalize(join(dirname(page), path)).replace(/\/$/, "");
    return anchor === undefined ? { target } : { target, anchor };
  });
}

export function holds({ target, anchor }: Link): boolean {
  if (!existsSync(join(root, target))) {
    return false;
  }
  if (anchor === undefined || !target.endsWith(".md")) {
    return true;
  }
  return [...readPage(target).matchAll(/^#+ (.*)$/gm)].some(([, heading = ""]) => anchorOf(heading) === anchor);
}

/** Every page in a folder and those below it, relative to the root. */
export function listPages(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules") && !name.startsWith("api/"))
    .map((name) => `${folder}/${name}`);
}
