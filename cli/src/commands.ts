import type { ClientCommand } from "./command.js";

/** The commands that call a server, each loaded when it is called. */
export const clientCommands: Readonly<Record<string, () => Promise<ClientCommand>>> = {
  get: async () => asCommand((await import("./commands/get.js")).get),
  set: async () => asCommand((await import("./commands/set.js")).set),
  mget: async () => asCommand((await import("./commands/mget.js")).mget),
  delete: async () => asCommand((await import("./commands/delete.js")).deleteKeys),
  incr: async () => asCommand((await import("./commands/incr.js")).incr),
  touch: async () => asCommand((await import("./commands/touch.js")).touch),
  keys: async () => asCommand((await import("./commands/keys.js")).keys),
  info: async () => asCommand((await import("./commands/info.js")).info),
  export: async () => asCommand((await import("./commands/export.js")).exportEntries),
  import: async () => asCommand((await import("./commands/import.js")).importEntries),
};

/** All commands, as the overview shows them. */
export const summaries: Readonly<Record<string, string>> = {
  serve: "serve until SIGTERM or SIGINT",
  doctor: "check what a server with these settings would need",
  healthcheck: "succeed if a server serves calls, for containers",
  token: "generate a bearer token and its entry for the tokens file",
  get: "print the entry at a key",
  set: "store a value",
  mget: "print the entries at many keys, one JSON line each",
  delete: "remove keys",
  incr: "add to a counter, and print it",
  touch: "change an entry's expiry",
  keys: "list all keys, or those with a prefix, one per line",
  info: "print the server's version, table and limits",
  export: "export all entries, or those with a prefix, as JSON lines",
  import: "store the entries of such lines",
  help: "show this text, or that of a command",
  version: "show the version",
};

/** Only the command itself knows the names of its flags. */
function asCommand<C>(command: C): ClientCommand {
  return command as unknown as ClientCommand;
}
