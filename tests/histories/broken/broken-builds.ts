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
const requestMemory = "server/src/store/layout/dedup-state.ts";
const trimMemory = "server/src/store/counters/trim-memory.ts";
const counterRequests = "server/src/store/counters/counter-requests.ts";
const plainAccess = `access: condition?.kind === "etag" ? "fenced-write" : "write",
    uncertain,`;

/** Mistakes that are easily made. To add one is to add an entry. */
export const brokenBuilds: readonly BrokenBuild[] = [
  {
    name: "marks-of-others",
    what: "a Delete with a request id takes the mark of another for its own",
    edits: [
      {
        file: "server/src/store/writes/delete-once.ts",
        from: "existed: found.nonce === mark.nonce",
        to: "existed: true",
      },
    ],
  },
  {
    name: "retry-without-id",
    what: "an increment without an id is sent again after a lost answer, and not looked for in what is remembered",
    edits: [
      {
        file: requestMemory,
        from: `NOT #s.#h\${index} >= :q\${index} AND NOT #s.#l >= :q\${index}`,
        to: `NOT #s.#l >= :q\${index}`,
      },
    ],
  },
  {
    name: "combined-unchecked",
    what: "of increments that are one write, only the first is looked for in what is remembered",
    edits: [
      {
        file: requestMemory,
        from: `conditions.push(\`NOT #s.#h\${index} >= :least\`);`,
        to: "conditions.push(index === 0 ? `NOT #s.#h0 >= :least` : `NOT #k = :least`);",
      },
    ],
  },
  {
    name: "trim-without-refusal",
    what: "an id that was moved to the archive passes for a new one",
    edits: [{ file: requestMemory, from: 'names["#f"] = floorEntry;', to: 'names["#f"] = "unknown";' }],
  },
  {
    name: "trim-before-archive",
    what: "ids are removed from the counter's item before they are written into the archive",
    edits: [
      {
        file: trimMemory,
        from: `    const moved = plan.moved.length > 0 ? await archiveSlots(context, key, plan.moved, options) : [];
    try {
      await removeSlots(context, key, memory, { ...plan, moved }, options);`,
        to: `    try {
      await removeSlots(context, key, memory, plan, options);
      await archiveSlots(context, key, plan.moved, options);`,
      },
    ],
  },
  {
    name: "archive-not-read",
    what: "an id that may be in the archive is not looked for there",
    edits: [
      {
        file: "server/src/store/counters/recall.ts",
        from: "const found = await findArchived(context, first.key, ids, isOld, options);",
        to: "const found = await findArchived(context, first.key, ids.slice(ids.length), isOld, options);",
      },
    ],
  },
  {
    name: "epoch-unchecked",
    what: "an id that was not in the archive is added, whatever was moved there since",
    edits: [{ file: requestMemory, from: '"#s.#p = :epoch"', to: '"NOT #s.#p < :epoch"' }],
  },
  {
    name: "archive-misplaced",
    what: "the archive of one counter is written to by another's name",
    edits: [
      {
        file: "server/src/store/counters/request-archive.ts",
        from: "return archiveAt(context, counterKey, slots, commonLevel(slots), options);",
        to: `return archiveAt(context, \`\${counterKey}x\`, slots, commonLevel(slots), options);`,
      },
    ],
  },
  {
    name: "delete-forgets",
    what: "a Delete drops what is remembered of the counter's increments",
    edits: [
      {
        file: "server/src/store/writes/delete-entry.ts",
        from: "!keeps || memory === undefined",
        to: "!keeps || memory !== undefined",
      },
    ],
  },
  {
    name: "expiry-before-write",
    what: "whether a counter has expired is checked before it is started anew, not in that write",
    edits: [
      {
        file: counterRequests,
        from: `isExpiredAnd(\`attribute_exists(#s) AND \${isUnseen}\`)`,
        // The values must be used.
        to: `\`attribute_exists(#s) AND \${isUnseen} AND NOT #k IN (:now, :next, :start, :moment)\``,
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
      return { expression: \`attribute_not_exists(#k) OR \${isExpiredAnd(guard)}\`, values };`,
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
    uncertain: {},`,
      },
    ],
  },
  {
    name: "swap-forgets",
    what: "a swap whose answer was lost says that there was nothing before",
    edits: [
      {
        file: "server/src/store/writes/set-entry.ts",
        from: "if (isFound && isPreviousAsked) {",
        to: "if (isFound && !isPreviousAsked && result.etag === undefined) {",
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
    uncertain,`,
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
    uncertain,`,
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
