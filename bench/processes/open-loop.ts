/** Who calls in an overload, in a process of its own. */
import { createOpenLoop, type OpenLoop } from "../overload/open-loop.js";
import type { PhaseLoad } from "../overload/phase.js";
import { answerQuestions } from "./answer.js";

let loop: OpenLoop | undefined;

answerQuestions({
  start(address: string) {
    loop = createOpenLoop(address);
  },
  run: (load: PhaseLoad) => loop?.run(load),
});
