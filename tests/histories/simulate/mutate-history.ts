import type { Random } from "../../../server/test/support/random.js";
import { seenEtag } from "../check/etags.js";
import type { Answer, Operation, Result, SeenEntry } from "../check/operation.js";

/** The same history with one result made wrong; undefined when the drawn operation has none that could be. */
export function mutateHistory(history: readonly Operation[], random: Random): Operation[] | undefined {
  const victim = random.pick(history);
  const others = history.filter(({ id }) => id !== victim.id);
  const result = mutateResult(victim, others, random);
  return result === undefined ? undefined : [...others, { ...victim, result }];
}

function mutateResult(
  { result, request }: Operation,
  others: readonly Operation[],
  random: Random,
): Result | undefined {
  const otherEtags = others.flatMap(seenEtag);
  switch (result.outcome) {
    case "done":
      return { outcome: "done", answer: mutateAnswer(result.answer, otherEtags, random) };
    case "refused":
      // Its own refusal is not reported, but that of an increment of a key that does not hold a value.
      return request.type === "incr" && result.reason === "OUT_OF_BOUNDS"
        ? { outcome: "refused", reason: "WRONG_KIND", currentEtag: undefined }
        : undefined;
    default:
      return undefined;
  }
}

function otherEntry(entry: SeenEntry): SeenEntry {
  return { ...entry, content: { kind: "value", value: "made-up" } };
}

function mutateAnswer(answer: Answer, otherEtags: readonly string[], random: Random): Answer {
  switch (answer.type) {
    case "get": {
      const { entry } = answer;
      if (entry === undefined) {
        return {
          type: "get",
          entry: { content: { kind: "counter", count: 1n }, etag: "made-up", expireAt: undefined },
        };
      }
      if (random.chance(0.5)) {
        return { type: "get", entry: undefined };
      }
      const { content } = entry;
      return content.kind === "counter"
        ? { type: "get", entry: { ...entry, content: { kind: "counter", count: content.count + 1n } } }
        : { type: "get", entry: { ...entry, content: { kind: "value", value: "made-up" } } };
    }
    case "delete":
      return answer.entry !== undefined && random.chance(0.5)
        ? { ...answer, entry: otherEntry(answer.entry) }
        : { ...answer, existed: !answer.existed };
    case "incr":
      return random.chance(0.5)
        ? { ...answer, count: answer.count + 1n }
        : { ...answer, etag: otherEtags[0] ?? "made-up" };
    case "set":
      if (answer.previous !== undefined && random.chance(0.7)) {
        return { ...answer, previous: random.chance(0.5) ? undefined : otherEntry(answer.previous) };
      }
      return { ...answer, etag: otherEtags[0] ?? "made-up" };
    case "touch":
      return { ...answer, existed: !answer.existed };
  }
}
