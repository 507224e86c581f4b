import { setMaxListeners } from "node:events";
import { createIncrementQueue } from "../../../../common/batching/increment-queue.js";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { joinInitiators } from "../dynamodb/initiators.js";
import type { UncertainOutcome } from "../dynamodb/retry.js";
import type { CallOptions } from "../layout/entry.js";
import { parseRequestId, type RequestId } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";
import type { Increment } from "./counter-requests.js";
import { type Bundle, bundleOf, bundleOfOne, failAll, settleAll } from "./increment-bundles.js";
import { type IncrInput, incrementOnce, mayBeRepeated, repeatable } from "./increment-counter.js";
import { takeGroup, type WaitingIncrement as Waiting } from "./increment-group.js";
import { createLateSection, type LateSection } from "./late-section.js";
import type { IncrResult } from "./recall.js";
import { untimely } from "./request-times.js";
import { trimIfWorthwhile } from "./trim-memory.js";
import { writeGroup } from "./write-group.js";

/** Adds to a counter, together with others that come at the same time. */
export type CombinedIncrement = (input: IncrInput, options: CallOptions) => Promise<IncrResult>;

/**
 * An increment of a counter that has no other in flight is sent at once, alone. Those that come meanwhile go as one write when
 * it is answered, one after another as far as anybody can tell: each gets the value after itself, is held to its own bounds, and
 * is remembered under its own id. What one write cannot do for all of them, such as creating the counter or answering one
 * that was applied before, is done for each apart.
 */
export function createCombinedIncrement(context: StoreContext): CombinedIncrement {
  const increment = createIncrementQueue<IncrInput, IncrResult>({
    afterArrivals: setImmediate,
    take: (waiting) => takeGroup(context, waiting),
    write(group, signal) {
      context.counts?.increments(group.length);
      joinInitiators(
        group.map((waiting) => waiting.signal),
        signal,
      );
      return carryOut(context, group, signal);
    },
    left: (reason, input, mayBeApplied) => {
      const error = abortError(reason, mayBeApplied ? Outcome.UNKNOWN : Outcome.NOT_APPLIED);
      return mayBeApplied ? repeatable(mayBeRepeated(input), error) : error;
    },
  });
  return (input, options) => {
    const { id } = input;
    return id !== undefined && untimely(context, id) !== undefined
      ? lookForOne(context, { ...input, id }, options)
      : increment(input.key, input, options.signal);
  };
}

/** An untimely increment must not delay the others. */
async function lookForOne(context: StoreContext, input: Increment, { signal }: CallOptions): Promise<IncrResult> {
  return inSection(context, input.key, async (section) => {
    const options = { isRepeatable: true, section, signal, uncertain: {} };
    return (await incrementOnce(context, input, options)).result;
  });
}

/** Retries of a refused group, each without its first member. */
const maxRegroupings = 2;

/** Never rejects: each of the group is told. */
async function carryOut(
  context: StoreContext,
  group: readonly Waiting[],
  signal: AbortSignal,
  regroupings = 0,
): Promise<void> {
  const bundles: Bundle[] = [];
  const shared: Waiting[] = [];
  const apart: Waiting[] = [];
  for (const each of group) {
    const { id, member } = each.input;
    if (id !== undefined) {
      bundles.push(bundleOfOne(each, id));
    } else {
      (member === undefined ? shared : apart).push(each);
    }
  }
  const [first, ...others] = shared;
  if (first === undefined) {
    await Promise.all([writeBundles(context, bundles, signal), ...apart.map((each) => writeAlone(context, each))]);
    return;
  }
  let refused: readonly Waiting[] = [];
  await withOwnId(context, first.input.key, shared, signal, async (id) => {
    refused = await writeBundles(context, [...bundles, bundleOf(id, [first, ...others])], signal);
  });
  // Not before their shared id is given back: each needs one now, and there are few.
  const [next, ...rest] = refused;
  if (regroupings >= maxRegroupings || rest.length === 0) {
    await Promise.all(refused.map((each) => writeAlone(context, each)));
  } else if (next !== undefined) {
    // There may have been no counter that could take them all: the first creates it for the others.
    await writeAlone(context, next);
    await carryOut(context, rest, signal, regroupings + 1);
  }
}

/** The server is the writer of what comes without an id, so that its own retries count once. */
async function withOwnId(
  { requests }: StoreContext,
  key: string,
  waiting: readonly Waiting[],
  signal: AbortSignal,
  call: (id: RequestId) => Promise<void>,
): Promise<void> {
  try {
    await requests.ids.use(
      key,
      (text) => {
        const id = parseRequestId(text, true);
        if (id === undefined) {
          throw new Error("the server has made an id that it does not understand");
        }
        return call(id);
      },
      signal,
    );
  } catch (error) {
    // Those that were told hear nothing of it.
    for (const each of waiting) {
      each.fail(signal.aborted ? abortError(signal.reason, Outcome.NOT_APPLIED) : error);
    }
  }
}

/** Resolves with the parts that were refused together, and may each be applied apart. */
async function writeBundles(
  context: StoreContext,
  bundles: readonly Bundle[],
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  // Each bundle listens to it.
  setMaxListeners(0, signal);
  const uncertain: UncertainOutcome = {};
  const key = bundles[0]?.increment.key ?? "";
  const together = (some: readonly Bundle[]) =>
    inSection(context, key, (section) => writeGroup(context, some, uncertain, section, signal));
  const written = await together(bundles);
  const apart = [...written.apart];
  let { left } = written;
  const [first, ...others] = left;
  if (!written.isThere && first !== undefined && others.length > 0) {
    // It creates the counter for the others.
    apart.push(...(await writeBundle(context, first, uncertain, signal)));
    const next = await together(others);
    apart.push(...next.apart);
    ({ left } = next);
  }
  const refused = await Promise.all(left.map((bundle) => writeBundle(context, bundle, uncertain, signal)));
  return [...apart, ...refused.flat()];
}

async function inSection<T>(
  { requests }: StoreContext,
  key: string,
  call: (section: LateSection) => Promise<T>,
): Promise<T> {
  const section = createLateSection(requests.late, key);
  try {
    return await call(section);
  } finally {
    section.leave();
  }
}

async function writeBundle(
  context: StoreContext,
  bundle: Bundle,
  uncertain: UncertainOutcome,
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  const { increment, isRepeatable, parts } = bundle;
  if (increment.min > increment.max) {
    // No counter could take them all.
    return parts;
  }
  return inSection(context, increment.key, async (section) => {
    try {
      const options = { isRepeatable, section, signal, uncertain: { ...uncertain } };
      const { result, item } = await incrementOnce(context, increment, options);
      settleAll([bundle], result);
      if (item !== undefined) {
        await trimIfWorthwhile(context, increment.key, item, section, { signal });
      }
    } catch (error) {
      const isRefused = error instanceof DynakvError && error.outcome === Outcome.NOT_APPLIED;
      if (parts.length > 1 && isRefused && error.reason === ErrorReason.OUT_OF_BOUNDS) {
        return parts;
      }
      failAll([bundle], error);
    }
    return [];
  });
}

/** An increment without an id, apart from those that it came with. */
async function writeAlone(context: StoreContext, waiting: Waiting): Promise<void> {
  const { input, signal } = waiting;
  await withOwnId(context, input.key, [waiting], signal, async (id) => {
    await writeBundle(context, bundleOfOne(waiting, id), {}, signal);
  });
}
