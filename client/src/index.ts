export { type ClientOptions, createClient } from "./create-client.js";
export * from "./shared.js";
export type { TlsOptions } from "./tls-options.js";
