/** A caller in a process of its own: one for each way, so that none is compiled for what another does. */

import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { fill, runLoad } from "../caller/run-load.js";
import type { EngineAddress, Load } from "../load.js";
import { createCeleryWay, createSdkWay, createTunedSdkWay } from "../ways/aws-sdk.js";
import { createDynakvWay } from "../ways/dynakv.js";
import { createGrpcJsWay, type Service } from "../ways/grpc-js.js";
import type { Column, Way } from "../ways/way.js";

let way: Way | undefined;

function started(): Way {
  if (way === undefined) {
    throw new Error("the caller was not told its way");
  }
  return way;
}

answerQuestions({
  start({ column, address, engine }: { column: Column; address: string; engine: EngineAddress }) {
    const create: Record<Column, () => Way> = {
      dynakv: () => createDynakvWay(address),
      sdk: () => createSdkWay(engine),
      "sdk-tuned": () => createTunedSdkWay(engine),
      "sdk-16": () => createTunedSdkWay(engine, 16),
      celery: () => createCeleryWay(engine),
    };
    way = create[column]();
  },
  /** In place of `start`: a service that a client of @grpc/grpc-js calls. */
  startGrpcJs({ service, address }: { service: Service; address: string }) {
    way = createGrpcJsWay(service, address);
  },
  fill: (valueBytes: number) => fill(started(), valueBytes),
  run: (load: Load) => runLoad(started(), load),
});
