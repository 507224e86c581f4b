import { join } from "node:path";
import { build } from "esbuild";
import { run, whileServing } from "../run.js";
import { installProgram, installTools, versionOf } from "../toolboxes.js";
import type { Case } from "./case.js";

const worker = `
import * as dynakv from "@dynakv/client";
import { calls } from "./calls.mjs";
let shared;
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const address = searchParams.get("address");
    if (pathname === "/") {
      return new Response(await calls(dynakv, address));
    }
    shared ??= dynakv.createClient({ address });
    for (let round = 0; round < 20; round++) {
      await Promise.all([shared.get("shared"), shared.incr("shared:visits")]);
    }
    return new Response("counted");
  },
};
`;

const workerdConfig = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      globalOutbound = "network")),
    (name = "network", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

const inEdge = `
import * as dynakv from "@dynakv/client";
import { calls } from "./calls.mjs";
globalThis.called = calls(dynakv, ADDRESS);
`;

const edgeHost = `
import { readFileSync } from "node:fs";
import { EdgeVM } from "@edge-runtime/vm";
const vm = new EdgeVM();
vm.evaluate(readFileSync("bundle.js", "utf8"));
console.log(await vm.evaluate("called"));
`;

/** Bundles a project's entry with the conditions that a platform's own tool sets. */
async function bundle(folder: string, entry: string, outfile: string, conditions: string[], define = {}) {
  const format = outfile === "worker.js" ? "esm" : "iife";
  await build({
    entryPoints: [join(folder, entry)],
    outfile: join(folder, outfile),
    bundle: true,
    conditions,
    define,
    format,
    target: "es2022",
    logLevel: "silent",
  });
}

export const workers: readonly Case[] = [
  {
    name: "Cloudflare Workers (workerd)",
    async try(workshop) {
      const { file, version } = await installProgram("workerd");
      const more = { "main.mjs": worker, "config.capnp": workerdConfig };
      const folder = await workshop.createProject("workerd", { more });
      await bundle(folder, "main.mjs", "worker.js", ["workerd", "worker", "browser"]);
      const control = ["--control-fd=1"];
      const client = await whileServing(
        folder,
        [file, "serve", ...control, "config.capnp"],
        /"event":"listen".*"port":(\d+)/,
        async ([, port]) => {
          const ask = async (path: string) => {
            const query = `?address=${encodeURIComponent(workshop.address)}`;
            return (await fetch(`http://127.0.0.1:${port}${path}${query}`)).text();
          };
          const client = await ask("/");
          const answers = new Set(await Promise.all(Array.from({ length: 30 }, () => ask("/shared"))));
          if (answers.size !== 1 || !answers.has("counted")) {
            throw new Error(`requests with one client were answered ${[...answers].join(", ")}`);
          }
          return client;
        },
      );
      return { version, client, note: "`batching` is off, so that requests may share a client" };
    },
  },
  {
    name: "Vercel's edge runtime (@edge-runtime/vm)",
    async try(workshop) {
      const tools = await installTools("edge");
      const more = { "edge.mjs": inEdge, "host.mjs": edgeHost };
      const folder = await workshop.createProject("edge", { more, tools });
      const define = { ADDRESS: JSON.stringify(workshop.address) };
      await bundle(folder, "edge.mjs", "bundle.js", ["edge-light", "worker", "browser"], define);
      const client = (await run(folder, [process.execPath, "host.mjs"])).trim();
      return { version: versionOf("edge", "@edge-runtime/vm"), client };
    },
  },
];
