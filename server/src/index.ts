export { SetupError } from "./errors/dynakv-error.js";
export { createServer, type Server, type ServerOptions, type StartedServer } from "./server.js";
export type { Settings } from "./settings/settings.js";
export type { Clock } from "./store/layout/entry.js";
