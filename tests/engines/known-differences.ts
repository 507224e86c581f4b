/** A test that an engine does not pass, because it differs from DynamoDB there, or from the engines that the test is written for. */
export interface KnownDifference {
  readonly engine: string;
  /** The file, without `.test.ts`. */
  readonly suite: string;
  readonly test: string;
  /** What the engine does, and what DynamoDB does. */
  readonly reason: string;
}

/** Of tests that give a server, by a proxy, what an engine that verifies signatures does not take; DynamoDB verifies them, too. */
function refusedSignatures(suite: string, reason: string, ...tests: string[]): KnownDifference[] {
  return tests.map((test) => ({ engine: "extenddb", suite, test, reason }));
}

const otherClock = "ExtendDB verifies the date of a signature, as DynamoDB does, by its own clock, not by the proxy's";
const changedRequest =
  "ExtendDB verifies signatures, as DynamoDB does, and the proxy changes what was signed; the others verify none";

export const knownDifferences: readonly KnownDifference[] = [
  {
    engine: "moto",
    suite: "limits",
    test: "the largest value that an item can hold is stored, and one byte more is refused",
    reason: "moto refuses items over 405,000 bytes, DynamoDB those over 409,600",
  },
  {
    engine: "moto",
    suite: "returned-entries",
    test: "a value that does not fit beside what is remembered of a counter is refused before it is sent, with the room that there is",
    reason: "moto refuses items over 405,000 bytes, DynamoDB those over 409,600",
  },
  {
    engine: "extenddb",
    suite: "returned-entries",
    test: "a value that does not fit beside what is remembered of a counter is refused before it is sent, with the room that there is",
    reason: "ExtendDB refuses an item with a map that has 409,600 bytes by the rules of the Developer Guide",
  },
  {
    engine: "dynoxide",
    suite: "returned-entries",
    test: "a value that does not fit beside what is remembered of a counter is refused before it is sent, with the room that there is",
    reason: "dynoxide refuses an item with a map that has 409,600 bytes by the rules of the Developer Guide",
  },
  ...refusedSignatures(
    "moved-ids",
    changedRequest,
    "what DynamoDB leaves unprocessed of the archive is asked for again",
  ),
  ...refusedSignatures(
    "data-planes",
    otherClock,
    "a clock that is an hour ahead is put right by the first refusal",
    "a clock that is an hour behind is put right by the first refusal",
  ),
  ...refusedSignatures(
    "faults",
    changedRequest,
    "keys that DynamoDB leaves unprocessed are asked for again, whether some or all",
  ),
  ...refusedSignatures(
    "faults",
    otherClock,
    "a clock that jumps while many calls are in flight fails none of them: lean",
    "a clock that jumps while many calls are in flight fails none of them: sdk",
  ),
  ...refusedSignatures(
    "mget",
    changedRequest,
    "an MGet that is to be eventual asks DynamoDB for it, repeated keys and what was left over too",
    "an MGet that is to be strong asks DynamoDB for it, repeated keys and what was left over too",
  ),
];
