/** What a process has spent, and what it holds. */
export interface Usage {
  /** User and system time since its start, in microseconds. */
  readonly cpu: number;
  readonly rssBytes: number;
  /** The most that was seen since the last time it was asked. */
  readonly peakRssBytes: number;
}

/** A question of the process that has started this one. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

type Handler = (input: never) => unknown;

const handlers = new Map<string, Handler>();
/** Asked before the module that answers them has been loaded. */
const early: Question[] = [];

/** Answers questions by name, until who asks has gone: then the process ends. */
export function answerQuestions(added: Record<string, Handler>): void {
  if (handlers.size === 0) {
    process.on("message", answer);
    process.on("disconnect", () => process.exit());
  }
  for (const [name, handler] of Object.entries(added)) {
    handlers.set(name, handler);
  }
  for (const question of early.splice(0)) {
    answer(question);
  }
}

async function answer(question: Question): Promise<void> {
  const handle = handlers.get(question.name);
  if (handle === undefined) {
    early.push(question);
    return;
  }
  const reply = (sent: Answer) => process.connected && process.send?.(sent);
  try {
    reply({ id: question.id, result: await handle(question.input as never) });
  } catch (error) {
    reply({ id: question.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
