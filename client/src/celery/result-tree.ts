/** A task, by its id, as Celery refers to it (`AsyncResult.as_tuple`). */
export interface TaskNode {
  readonly kind: "task";
  readonly id: string;
  /** Predecessor in its chain; undefined for the first. */
  readonly parent: ResultNode | undefined;
}

/** A group, by its id, with its members in their order, which may be groups in turn (`GroupResult.as_tuple`). */
export interface GroupNode {
  readonly kind: "group";
  readonly id: string;
  readonly parent: ResultNode | undefined;
  readonly results: readonly ResultNode[];
}

export type ResultNode = TaskNode | GroupNode;

/**
 * Reads Celery's tuples: a task is `[[id, parent], null]`, a group `[[id, parent], members]`. Undefined for what is neither. A task
 * that returns the result of another, or of a group, has such a tuple as its own.
 */
export function resultNodeOf(tuple: unknown): ResultNode | undefined {
  if (!Array.isArray(tuple) || tuple.length !== 2) {
    return undefined;
  }
  const [self, members] = tuple as [unknown, unknown];
  const [id, before] = Array.isArray(self) ? (self as unknown[]) : [self, null];
  const parent = before === null || before === undefined ? undefined : resultNodeOf(before);
  if (typeof id !== "string" || (parent === undefined && before !== null && before !== undefined)) {
    return undefined;
  }
  if (members === null) {
    return { kind: "task", id, parent };
  }
  const results = toNodes(members);
  return results && { kind: "group", id, parent, results };
}

/** Undefined when one of them cannot be read. */
export function toNodes(tuples: unknown): ResultNode[] | undefined {
  if (!Array.isArray(tuples)) {
    return undefined;
  }
  const nodes = tuples.map(resultNodeOf);
  return nodes.every((node) => node !== undefined) ? nodes : undefined;
}

/** The ids of the tasks in their order, also of those in groups. */
export function taskIdsIn(nodes: readonly ResultNode[]): string[] {
  return nodes.flatMap((node) => (node.kind === "group" ? taskIdsIn(node.results) : [node.id]));
}
