import { join } from "node:path";
import { installGo, installPython, pinnedVersion } from "../../tools/install-from.js";
import { runCeleryDynakv } from "../celery/run-python.js";
import { type Answers, answerCases, compareAnswers } from "./cases/run-cases.js";
import { runCelery } from "./celery/run-celery.js";
import { bufCurlClients } from "./clients/buf-curl.js";
import type { InteropClient } from "./clients/client.js";
import { connectClients, grpcJsClient } from "./clients/generated.js";
import { grpcioClient } from "./clients/grpcio.js";
import { grpcurlClient } from "./clients/grpcurl.js";
import type { Column } from "./column.js";
import type { InteropEngine } from "./interop-engine.js";
import type { ServedDynakv } from "./serve-dynakv.js";
import { celery, ghz, grpcio, grpcurl, healthProbe, scratchFolder, titleOf } from "./tools/installed.js";
import { runGhz } from "./tools/run-ghz.js";
import { runHealthProbe } from "./tools/run-health-probe.js";

/** What all parts have before them. */
export interface Grounds {
  readonly server: ServedDynakv;
  readonly engine: InteropEngine;
  /** What the first client has answered to the cases; the others are compared with it. */
  readonly first: Answers;
}

/** Other people's programs that belong together, under one name of the command line. */
export interface Part {
  readonly name: string;
  /** Whether it starts servers of its own. */
  readonly isApart: boolean;
  /** Sets them up if they are not there yet, and tries them. Rejects with ToolMissing when they cannot be had here. */
  run(grounds: Grounds): Promise<Column[]>;
}

export const parts: readonly Part[] = [
  casesPart("connect", ({ url }) => connectClients(url)),
  casesPart("grpc-js", ({ address }) => [grpcJsClient(address)]),
  casesPart("buf", ({ url }) => bufCurlClients(url)),
  casesPart("grpcurl", async ({ address }) => [grpcurlClient(await installGo(grpcurl), titleOf(grpcurl), address)]),
  casesPart("grpcio", async ({ address }) => [
    await grpcioClient(
      await installPython(grpcio),
      `Python ${titleOf(grpcio)}`,
      join(scratchFolder, "generated"),
      address,
    ),
  ]),
  {
    name: "ghz",
    isApart: false,
    run: async ({ server }) => [await runGhz(await installGo(ghz), titleOf(ghz), server)],
  },
  {
    name: "health-probe",
    isApart: false,
    run: async ({ server }) => [
      await runHealthProbe(await installGo(healthProbe), titleOf(healthProbe), server.address),
    ],
  },
  {
    name: "celery",
    isApart: true,
    run: async ({ engine }) => runCelery(await installPython(celery), pinnedVersion(celery), engine),
  },
  { name: "celery-dynakv", isApart: true, run: () => runCeleryDynakv() },
];

/** A part whose clients go through the table of cases. */
function casesPart(
  name: string,
  createClients: (server: ServedDynakv) => InteropClient[] | Promise<InteropClient[]>,
): Part {
  return {
    name,
    isApart: false,
    async run({ server, first }) {
      const clients = await createClients(server);
      try {
        return await Promise.all(
          clients.map(async (client) => compareAnswers(client.title, await answerCases(client), first)),
        );
      } finally {
        await Promise.all(clients.map((client) => client.stop()));
      }
    },
  };
}
