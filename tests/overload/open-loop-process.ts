/** Who calls in an overload, in a process of its own. */

import { answerQuestions } from "../../tools/process-monitor/answer.js";
import { createOpenLoop, type OpenLoop } from "./open-loop.js";
import type { PhaseLoad } from "./phase.js";

let loop: OpenLoop | undefined;

answerQuestions({
  start(address: string) {
    loop = createOpenLoop(address);
  },
  run: (load: PhaseLoad) => loop?.run(load),
});
