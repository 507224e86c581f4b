/** What is used of dynalite, which comes without types. */
declare module "dynalite" {
  import type { Server } from "node:http";

  interface DynaliteOptions {
    /** The folder of the LevelDB database; in memory without it. */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  /** A server whose `close` closes the database as well. */
  export default function dynalite(options?: DynaliteOptions): Server;
}
