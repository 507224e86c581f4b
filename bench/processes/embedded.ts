/** The embedded engine in a process of its own. It keeps its data in memory. */
import { type EmbeddedEngine, startEmbeddedEngine } from "../../server/src/embedded/embedded-engine.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";
import type { EngineAddress } from "../load.js";

let engine: EmbeddedEngine | undefined;

answerQuestions({
  async start(): Promise<EngineAddress> {
    engine ??= await startEmbeddedEngine({ data: "memory" });
    return { endpoint: engine.endpoint, region: engine.region, ...engine.credentials };
  },
  /** It does not count them. */
  requests: () => ({}),
});
