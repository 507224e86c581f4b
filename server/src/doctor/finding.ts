/** Severity. `skipped`: not checked, because a prerequisite failed. */
export type Level = "ok" | "warning" | "failure" | "skipped";

/** One line of what the doctor tells. It holds no secret, no key and no value. */
export interface Finding {
  readonly level: Level;
  readonly subject: string;
  readonly detail: string;
  /** Advice; set for each warning and failure. */
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
