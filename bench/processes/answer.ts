/** A question of the process that has started this one. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Answers questions by name, until who asks has gone: then the process ends. */
export function answerQuestions(handlers: Record<string, (input: never) => unknown>): void {
  process.on("message", async (question: Question) => {
    const handle = handlers[question.name];
    if (handle === undefined) {
      return;
    }
    const reply = (answer: Answer) => process.connected && process.send?.(answer);
    try {
      reply({ id: question.id, result: await handle(question.input as never) });
    } catch (error) {
      reply({ id: question.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  if (process.listenerCount("disconnect") === 0) {
    process.on("disconnect", () => process.exit());
  }
}
