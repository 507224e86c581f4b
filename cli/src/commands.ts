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
  doctor: "look for what a server would lack with the settings of serve",
  token: "make a bearer token, and its line for the tokens file",
  get: "print what a key holds",
  set: "store a value",
  mget: "print what many keys hold, a line of JSON each",
  delete: "remove keys",
  incr: "add to a counter, and print it",
  touch: "change when an entry expires",
  keys: "print all keys, or those with a prefix, a line each",
  info: "print what the server says of itself, its table and its limits",
  export: "write all entries, or those with a prefix, as lines of JSON",
  import: "store the entries of such lines",
  help: "show this text, or that of a command",
  version: "show the version",
};

/** Only the command itself knows the names of its flags. */
function asCommand<C>(command: C): ClientCommand {
  return command as unknown as ClientCommand;
}
