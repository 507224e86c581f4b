/** One mistake in the server's sources. */
export interface BrokenBuild {
  readonly name: string;
  /** What is wrong with it, for people. */
  readonly what: string;
  readonly edits: readonly {
    /** From the root of the repository. */
    readonly file: string;
    /** What stands there exactly once. */
    readonly from: string;
    readonly to: string;
  }[];
}

const conditionalWrite = "server/src/store/writes/conditional-write.ts";
const requestMemory = "server/src/store/layout/request-memory.ts";
const counterRequests = "server/src/store/counters/counter-requests.ts";
const plainAccess = `access: condition?.kind === "etag" ? "fenced-write" : "write",
    doubt,`;

/** Mistakes that are easily made. To add one is to add an entry. */
export const brokenBuilds: readonly BrokenBuild[] = [
  {
    name: "retry-without-id",
    what: "an increment that is not remembered is sent again after a lost answer",
    edits: [
      {
        file: "server/src/store/counters/increment-counter.ts",
        from: 'let step: Step = { kind: "update", remembering: "any writer" };',
        to: 'let step: Step = { kind: "update", remembering: "nobody" };',
      },
      {
        file: counterRequests,
        from: 'sendUpdate(context, request, remembers ? "fenced-write" : "write", options)',
        to: 'sendUpdate(context, request, "fenced-write", options)',
      },
    ],
  },
  {
    name: "combined-unchecked",
    what: "of increments that are one write, only the first is looked for in what is remembered",
    edits: [{ file: requestMemory, from: "...ids.map((_, index) =>", to: "...ids.slice(0, 1).map((_, index) =>" }],
  },
  {
    name: "prune-without-refusal",
    what: "an id that was pruned passes for a new one",
    edits: [
      {
        file: requestMemory,
        from: `"#f": floorEntry };
  const values: Record<string, AttributeValue> = {};
  let lowest`,
        to: `"#f": "unknown" };
  const values: Record<string, AttributeValue> = {};
  let lowest`,
      },
    ],
  },
  {
    name: "delete-forgets",
    what: "a Delete drops what is remembered of the counter's increments",
    edits: [
      {
        file: "server/src/store/writes/write-entry.ts",
        from: "!keeps || memory === undefined ? remove : memory.gone ? async () => false : hide(exists, memory)",
        to: "keeps && memory === undefined ? hide(exists, memory as unknown as RequestMemory) : remove",
      },
    ],
  },
  {
    name: "expiry-before-write",
    what: "whether a counter has expired is checked before it is started anew, not in that write",
    edits: [
      {
        file: counterRequests,
        from: '"attribute_exists(#s) AND #x <= :now"',
        // The value must be used.
        to: '"attribute_exists(#s) AND NOT #k = :now"',
      },
    ],
  },
  {
    name: "condition-before-write",
    what: "if_absent is checked by a read before a write without condition",
    edits: [
      {
        file: "server/src/store/writes/write-condition.ts",
        from: `case "absent":
      return { expression: \`attribute_not_exists(#k) OR #x <= :now AND \${guard}\`, values };`,
        to: `case "absent": {
      const seen = see(context, await readItemStrongly(context, key, options));
      if (seen.exists) {
        throw conditionError(condition, seen);
      }
      return { expression: guard, values: {} };
    }`,
      },
    ],
  },
  {
    name: "condition-retried",
    what: "a conditional write is sent again after a lost answer, and refused for its own success",
    edits: [
      {
        file: conditionalWrite,
        from: plainAccess,
        to: `access: condition === undefined ? "write" : "fenced-write",
    doubt: {},`,
      },
    ],
  },
  {
    name: "set-retried",
    what: "a Set without condition is sent again after a lost answer",
    edits: [
      {
        file: conditionalWrite,
        from: plainAccess,
        to: `access: condition === undefined && write.resultFrom === undefined ? "write" : "fenced-write",
    doubt,`,
      },
    ],
  },
  {
    name: "delete-retried",
    what: "a Delete without condition is sent again after a lost answer",
    edits: [
      {
        file: conditionalWrite,
        from: plainAccess,
        to: `access: condition === undefined && write.resultFrom !== undefined ? "write" : "fenced-write",
    doubt,`,
      },
    ],
  },
  {
    name: "unknown-as-not-applied",
    what: "a write whose answer was lost is reported as not applied",
    edits: [
      {
        file: "server/src/store/dynamodb/retry.ts",
        from: 'failure.applied === "no" ? Outcome.NOT_APPLIED : Outcome.UNKNOWN',
        to: "Outcome.NOT_APPLIED",
      },
    ],
  },
];
