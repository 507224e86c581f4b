/** A test that an engine does not pass, because the engine differs from DynamoDB there. */
export interface KnownDifference {
  readonly engine: string;
  /** The file, without `.test.ts`. */
  readonly suite: string;
  readonly test: string;
  /** What the engine does, and what DynamoDB does. */
  readonly reason: string;
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    engine: "moto",
    suite: "limits",
    test: "the largest value that an item can hold is stored, and one byte more is refused",
    reason: "moto refuses items over 405,000 bytes, DynamoDB those over 409,600",
  },
];
