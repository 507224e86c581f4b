/** How bad what was found is. `skipped` was not checked, since something that it needs has failed. */
export type Level = "ok" | "warning" | "failure" | "skipped";

/** One line of what the doctor tells. It holds no secret, no key and no value. */
export interface Finding {
  readonly level: Level;
  /** What was looked at, in a word or two, such as `table` or `right dynamodb:GetItem`. */
  readonly subject: string;
  /** What was found. */
  readonly detail: string;
  /** What to do about it; there for each warning and failure. */
  readonly advice?: string;
}

export function ok(subject: string, detail: string): Finding {
  return { level: "ok", subject, detail };
}

export function warning(subject: string, detail: string, advice: string): Finding {
  return { level: "warning", subject, detail, advice };
}

export function failure(subject: string, detail: string, advice: string): Finding {
  return { level: "failure", subject, detail, advice };
}

/** Something that could not be looked at. */
export function skipped(subject: string, why: string): Finding {
  return { level: "skipped", subject, detail: `not checked: ${why}` };
}
