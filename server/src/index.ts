export { SetupError } from "./errors/dynakv-error.js";
export { createServer } from "./server.js";
export type { Server, ServerOptions, StartedServer } from "./server-options.js";
export type { Settings } from "./settings/settings.js";
export type { Clock } from "./store/layout/entry.js";
