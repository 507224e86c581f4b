/** A key that Celery writes: of a task's result, of a saved group, or of the counter of a chord. */
export interface CeleryKey {
  readonly kind: "task" | "group" | "chord";
  readonly id: string;
  /** The key of another thing of the same application: with the same prefix, and the same form. */
  sibling(kind: CeleryKey["kind"], id: string): string;
}

const marks = { task: "celery-task-meta-", group: "celery-taskset-meta-", chord: "chord-unlock-" } as const;

/** Undefined for any other key. Celery's own backend writes its keys in the form `b'…'`. */
export function readCeleryKey(key: string): CeleryKey | undefined {
  const literal = /^b(['"])(.*)\1$/s.exec(key);
  const plain = literal?.[2] ?? key;
  for (const kind of ["task", "group", "chord"] as const) {
    const at = plain.indexOf(marks[kind]);
    const id = plain.slice(at + marks[kind].length);
    if (at >= 0 && id !== "") {
      const prefix = plain.slice(0, at);
      return {
        kind,
        id,
        sibling(other, otherId) {
          const name = `${prefix}${marks[other]}${otherId}`;
          return literal === null ? name : `b'${name}'`;
        },
      };
    }
  }
  return undefined;
}
