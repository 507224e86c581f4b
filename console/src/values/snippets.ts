import type { Expiry } from "@dynakv/client/web";
import { toBase64 } from "./base64.js";
import { quoteForCode, quoteForShell } from "./quoting.js";
import { toText } from "./text.js";

/** The same call, for somewhere else. */
export interface Snippet {
  readonly name: "dynakv" | "buf curl" | "TypeScript";
  readonly text: string;
}

/** Where the call goes. */
export interface Target {
  readonly address: string;
  /** True if the server wants a token, which stands nowhere in what is copied. */
  readonly needsToken: boolean;
}

/** What to set, and when. */
export interface Setting {
  readonly value: Uint8Array;
  readonly expiry: Expiry | undefined;
  /** The etag of the entry that it replaces; undefined for a key that holds nothing. */
  readonly ifEtag: string | undefined;
}

const defaultAddress = "http://127.0.0.1:50051";
/** Longer ones are for files. */
const longestValue = 2000;

export function getSnippets(target: Target, key: string): Snippet[] {
  return [
    { name: "dynakv", text: command(target, ["get"], [key], "--json") },
    { name: "buf curl", text: curl(target, "Get", `{"key":${quoteForCode(key)}}`) },
    { name: "TypeScript", text: program(target, `const entry = await client.get(${quoteForCode(key)});`) },
  ];
}

export function scanSnippets(target: Target, prefix: string): Snippet[] {
  const request = prefix === "" ? `{"keysOnly":true}` : `{"prefix":${quoteForCode(prefix)},"keysOnly":true}`;
  const scan = prefix === "" ? "client.scanKeys()" : `client.scanKeys({ prefix: ${quoteForCode(prefix)} })`;
  const loop = `for await (const { key } of ${scan}) {\n  console.log(key);\n}`;
  return [
    { name: "dynakv", text: command(target, ["keys"], prefix === "" ? [] : [prefix]) },
    { name: "buf curl", text: curl(target, "Scan", request) },
    { name: "TypeScript", text: program(target, loop) },
  ];
}

export function setSnippets(target: Target, key: string, { value, expiry, ifEtag }: Setting): Snippet[] {
  const text = value.length > longestValue ? undefined : toText(value);
  const condition = ifEtag === undefined ? "ifAbsent: true" : `ifEtag: ${quoteForCode(ifEtag)}`;
  const options = [condition, ...(expiry === undefined ? [] : [`expiry: ${expiryForCode(expiry)}`])].join(", ");
  const bytes = text === undefined ? "value" : `new TextEncoder().encode(${quoteForCode(text)})`;
  const flags = [
    ...(expiry === undefined ? [] : [`--expire ${expiryForShell(expiry)}`]),
    ifEtag === undefined ? "--if-absent" : `--if-etag=${quoteForShell(ifEtag)}`,
  ].join(" ");
  const isArgument = text !== undefined && !/[\0\ufffd]/.test(text);
  const test = ifEtag === undefined ? `"ifAbsent":{}` : `"ifEtag":${quoteForCode(ifEtag)}`;
  const policy = expiry === undefined ? "" : `,"expiry":${expiryForJson(expiry)}`;
  const base64 = value.length > longestValue ? "…" : toBase64(value);
  return [
    {
      name: "dynakv",
      text: isArgument
        ? command(target, ["set"], [key, text], flags)
        : command(target, ["set"], [key], `${flags} --file FILE`),
    },
    {
      name: "buf curl",
      text: curl(target, "Set", `{"key":${quoteForCode(key)},"value":"${base64}"${policy},"condition":{${test}}}`),
    },
    { name: "TypeScript", text: program(target, `await client.set(${quoteForCode(key)}, ${bytes}, { ${options} });`) },
  ];
}

function command(
  { address, needsToken }: Target,
  words: readonly string[],
  given: readonly string[],
  flags = "",
): string {
  const quoted = given.map(quoteForShell);
  if (quoted.some((word) => word === undefined)) {
    return "# No program takes an argument with the character NUL in it: use buf curl, or the client.";
  }
  const at = [
    ...(address === defaultAddress ? [] : [`--address ${quoteForShell(address)}`]),
    ...(needsToken ? ["--token-file TOKEN.txt"] : []),
    ...(flags === "" ? [] : [flags]),
  ];
  const isPlain = given.every((word) => !word.startsWith("-"));
  const positionals = isPlain ? quoted : ["--", ...quoted];
  return ["npx dynakv", ...words, ...(isPlain ? [...positionals, ...at] : [...at, ...positionals])].join(" ");
}

function curl({ address, needsToken }: Target, method: string, json: string): string {
  const token = needsToken ? ` -H "authorization: Bearer $TOKEN" --reflect --reflect-header '*'` : "";
  return `npx buf curl${token} -d ${quoteForShell(json)} ${address}/dynakv.v1.KeyValueService/${method}`;
}

function program({ address, needsToken }: Target, body: string): string {
  const token = needsToken ? ", token: process.env.TOKEN" : "";
  return `import { createClient } from "@dynakv/client";

const client = createClient({ address: ${quoteForCode(address)}${token} });
${body}
client.close();`;
}

function expiryForCode(expiry: Expiry): string {
  if (expiry instanceof Date) {
    return `new Date(${quoteForCode(expiry.toISOString())})`;
  }
  return typeof expiry === "string" ? quoteForCode(expiry) : `{ seconds: ${expiry.seconds} }`;
}

function expiryForShell(expiry: Expiry): string {
  if (expiry instanceof Date) {
    return expiry.toISOString();
  }
  return typeof expiry === "string" ? expiry : `${expiry.seconds}s`;
}

function expiryForJson(expiry: Expiry): string {
  if (expiry instanceof Date) {
    return `{"at":${quoteForCode(expiry.toISOString())}}`;
  }
  if (typeof expiry === "string") {
    return `{${quoteForCode(expiry === "server-default" ? "serverDefault" : expiry)}:{}}`;
  }
  return `{"after":"${expiry.seconds}s"}`;
}
