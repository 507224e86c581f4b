import type { Mutant } from "./make-mutants.js";

/** Slips that change nothing that anybody could see, and why not. */
const equivalent: readonly {
  readonly file: string;
  readonly before: string;
  readonly after?: string;
  readonly why: string;
}[] = [
  {
    file: "service/principal.ts",
    before: "export const anyone",
    why: "nobody asks what anyone may do: checkRight knows it by itself",
  },
  {
    file: "writes/conditional-write.ts",
    before: "maxRounds",
    why: "how often a write is tried among others that keep changing the key is no promise",
  },
  { file: "table/reaper.ts", before: "const intervalMs", why: "how often the reaper comes is no promise" },
  {
    file: "table/reaper.ts",
    before: "ref: false",
    why: "its server has an open port for as long as it runs, and ends the pause when it stops",
  },
  {
    file: "layout/dedup-state.ts",
    before: "const floor = highestOf(moved",
    why: "the condition of the same update refuses a floor that is lower than the one that is there",
  },
  {
    file: "service/validation.ts",
    before: "!key.isWellFormed()",
    why: "no protocol brings such a key: Protobuf's strings are UTF-8, and JSON is checked before it is decoded",
  },
  {
    file: "service/validation.ts",
    before: "!member.isWellFormed()",
    why: "no protocol brings such a member: Protobuf's strings are UTF-8, and JSON is checked before it is decoded",
  },
  {
    file: "access/policy.ts",
    before: "callers.set(identity, caller)",
    why: "it saves making the same caller again, and nothing else",
  },
  {
    file: "access/jwts.ts",
    before: "if (known !== void 0) {",
    after: "!!0 &&",
    why: "it saves checking the same signature again, and nothing else",
  },
  {
    file: "access/access.ts",
    before: "...ca === void 0 ? {} : { ca }",
    after: "...void 0 && ca",
    why: "authorities that are undefined are those that are left out, to Node",
  },
  {
    file: "access/certificates.ts",
    before: "found.validFromMs <= nowMs",
    after: "validFromMs < nowMs",
    why: "a certificate is valid from a second on, and no call can be made in its first millisecond on purpose",
  },
  {
    file: "admission/admission-queue.ts",
    before: "line.light === 0 || !hasRoom(1, waiting.caller)",
    after: "!!0 &&",
    why: "where there is no room for a light call there is none for those behind it: they are gone through in vain",
  },
  {
    file: "requests/decode-list.ts",
    before: "if (byte === void 0) {",
    after: "!!0 &&",
    why: "the same error follows, after the few rounds that a number may have",
  },
  {
    file: "service/deadline.ts",
    before: 'removeEventListener("abort", leave)',
    why: "the signal goes with its call, and would abort what has ended",
  },
  {
    file: "service/entry-frames.ts",
    before: "bytes < maxValueBytes",
    after: "bytes <= maxValueBytes",
    why: "how many results share a message is no promise",
  },
  { file: "service/messages.ts", before: "isMetadataOnly = false", why: "its caller always says which" },
  {
    file: "counters/late-section.ts",
    before: "isEntered = false;",
    after: "isEntered = true;",
    why: "a section is left once, and asked nothing after that",
  },
  { file: "counters/late-section.ts", before: "{ once: true }", why: "a signal aborts once" },
  {
    file: "layout/members.ts",
    before: "Buffer.compare(hash, member) === 0",
    after: "Buffer.compare(member, hash) === 0",
    why: "two hashes are equal in either order",
  },
  {
    file: "layout/dedup-state.ts",
    before: "if (dropped.length > 0) {",
    after: ">= 0",
    why: "it notes that nothing was lost, as an item without the note says",
  },
  {
    file: "layout/dedup-state.ts",
    before: "id.sequence < lowest ? id.sequence : lowest",
    after: "id.sequence <= lowest",
    why: "of two that are equal either is the lowest",
  },
  {
    file: "reads/key-batches.ts",
    before: "batch.keys.length > 0",
    after: ">= 0",
    why: "for a batch without keys nothing is asked",
  },
  {
    file: "table/backend.ts",
    before: "failures >= failuresUntilDown) {",
    after: "failures > failuresUntilDown",
    why: "how many probes it takes is no promise",
  },
  {
    file: "transfer/in-order.ts",
    before: "running < concurrency",
    after: "running <= concurrency",
    why: "how many pieces are under way at once is no promise",
  },
  {
    file: "admission/call-limits.ts",
    before: "expectedMs >= maxWaitMs ?",
    after: "expectedMs > maxWaitMs",
    why: "it is the same error, counted under one name or the other where a wait is expected to the microsecond",
  },
  {
    file: "writes/write-many.ts",
    before: "const maxWaiting =",
    why: "how many repeated keys wait before others are looked at is no promise",
  },
  {
    file: "counters/increment-group.ts",
    before: "first?.input.member === void 0 ? maxShared : maxIds",
    after: "!==",
    why: "how many increments go together is no promise",
  },
  {
    file: "layout/item-layout.ts",
    before: 'hash.update("\\0")',
    why: "what follows the value is told from it without, and what an etag is made of is no promise",
  },
  {
    file: "reads/read-batch.ts",
    before: "idleRounds: batch.idleRounds, throttled: false",
    why: "whether there is a pause before keys are asked for again is no promise",
  },
];

/** Slips that somebody could see, and why no test does: they count as survived. */
const untested: typeof equivalent = [
  {
    file: "counters/request-archive.ts",
    before: "archived.length === 0 && failed !== void 0",
    after: "=== void 0)",
    why: "what was not archived stays in the counter's item; it changes which error follows once that is full",
  },
  {
    file: "access/watched-files.ts",
    before: "if (isClosed) {",
    after: "!!0 &&",
    why: "it takes a look at the files that is under way while the server stops",
  },
  {
    file: "access/jwts.ts",
    before: "remembered.delete(oldest)",
    why: "it bounds what is remembered, and takes 10,001 signed JWTs to be seen",
  },
  {
    file: "counters/own-request-ids.ts",
    before: "if (!queue.busy.includes(true)) {",
    after: "!!0 &&",
    why: "it frees some dozens of bytes for each key, and takes very many keys to be seen",
  },
  {
    file: "reads/result-order.ts",
    before: "(runsOf.get(answer) ?? 0) + 1",
    after: "+ 2",
    why: "it lets go of what was taken, and takes the memory of a large MGet to be weighed, as slow tests do",
  },
  {
    file: "table/backend.ts",
    before: "stopped.signal.throwIfAborted();",
    why: "it takes a server that stops while it sets up its table, which then says one thing more in its log",
  },
  {
    file: "counters/late-section.ts",
    before: "reject(abortError(signal.reason, Outcome.NOT_APPLIED))",
    why: "whoever has left is told elsewhere: it takes the memory that is kept for them to be seen",
  },
  {
    file: "transfer/import-progress.ts",
    before: "await note();",
    after: ";",
    why: "it takes an import of some seconds that is killed, which then begins earlier than it need",
  },
  {
    file: "admission/call-limits.ts",
    before: "if (!wasStalled && stream.isHeld) {",
    after: "!!0 &&",
    why: "it has streams begin that will be late, and takes a saturated processor to be seen",
  },
];

/** Why nobody could see a slip. */
export function reasonToSurvive(mutant: Mutant): string | undefined {
  return find(equivalent, mutant);
}

/** Why no test notices a slip. */
export function reasonForNoTest(mutant: Mutant): string | undefined {
  return find(untested, mutant);
}

function find(reasons: typeof equivalent, { file, before, after }: Mutant): string | undefined {
  return reasons.find(
    (each) =>
      file.endsWith(each.file) &&
      before.includes(each.before) &&
      (each.after === undefined || after.includes(each.after)),
  )?.why;
}
