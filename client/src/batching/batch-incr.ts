import { timestampDate } from "@bufbuild/protobuf/wkt";
import { addUp, createIncrementQueue, type Waiting } from "../../../common/batching/increment-queue.js";
import { int64 } from "../../../common/int64.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import { DynakvError, endedHere } from "../errors.js";
import type { Incremented } from "../operations.js";
import { type Expiry, toExpiry, toExpiryMessage } from "../write-options.js";
import type { ServerTimedIds } from "./server-timed-ids.js";

/** An increment, as the client's caller describes it. */
export interface IncrInput {
  readonly key: string;
  readonly delta?: bigint | undefined;
  readonly initial?: bigint | undefined;
  readonly min?: bigint | undefined;
  readonly max?: bigint | undefined;
  readonly expiry?: Expiry | undefined;
  readonly expiryIfCreated?: Expiry | undefined;
  readonly member?: string | undefined;
}

export type Incr = (call: Call, input: IncrInput) => Promise<Incremented>;

/** Many more than a hot counter has waiting while one request is in flight. */
const maxBatch = 10_000;

/** One Incr, under a given id or a fresh one, which all its repetitions have. */
export async function incrAlone(
  call: Call,
  { key, delta, initial, min, max, expiry, expiryIfCreated, member }: IncrInput,
  ids: string | ServerTimedIds,
): Promise<Incremented> {
  const request = {
    key,
    ...(delta === undefined ? {} : { delta }),
    ...(initial === undefined ? {} : { initial }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(member === undefined ? {} : { member }),
    ...toExpiry(expiry),
    ...(expiryIfCreated === undefined ? {} : { expiryIfCreated: toExpiryMessage(expiryIfCreated) }),
  };
  const send = (requestId: string) => call.unary(KeyValueService.method.incr, { ...request, requestId });
  const { value, etag, expireTime, replayed } = await (typeof ids === "string" ? send(ids) : ids.use(send));
  return { value, etag, expireTime: expireTime && timestampDate(expireTime), replayed };
}

/**
 * Increments of one counter that are made while another is in flight travel as one, whose answer tells the value after each. They
 * share an id, and so count once together.
 */
export function createBatchIncr(runner: CallRunner, ids: ServerTimedIds): Incr {
  const incr = createIncrementQueue<IncrInput, Incremented>({
    afterArrivals: runner.afterArrivals,
    take(waiting) {
      const group: Waiting<IncrInput, Incremented>[] = [];
      for (const each of waiting) {
        const [first] = group;
        if (first === undefined || canShareWrite(first.input, each.input)) {
          group.push(each);
          waiting.delete(each);
        }
        if (group.length >= maxBatch) {
          break;
        }
      }
      return group;
    },
    async write(group, signal) {
      const sum = addUp(group.map(({ input }) => ({ delta: 1n, ...int64, ...withoutUndefined(input) })));
      const [first, second] = group;
      if (first === undefined) {
        return;
      }
      const writeApart = () => Promise.all(group.map((each) => run(each, each.input, each.signal)));
      if (second === undefined || sum === undefined) {
        await writeApart();
        return;
      }
      const endAt = group.reduce((latest, each) => Math.max(latest, each.endAt), 0);
      try {
        const last = await runner.run({ signal, timeoutMs: runner.leftMs(endAt) }, (call) =>
          incrAlone(call, { ...first.input, ...sum }, ids),
        );
        let value = last.value - sum.delta;
        for (const { input, settle } of group) {
          value += input.delta ?? 1n;
          settle({ ...last, value });
        }
      } catch (error) {
        if (error instanceof DynakvError && error.reason === "OUT_OF_BOUNDS" && error.outcome === "NOT_APPLIED") {
          await writeApart();
          return;
        }
        for (const { fail } of group) {
          fail(error);
        }
      }
    },
    left: (reason, _, mayBeApplied) => endedHere(reason, mayBeApplied ? "UNKNOWN" : "NOT_APPLIED"),
  });

  async function run({ settle, fail, endAt }: Waiting<IncrInput, Incremented>, input: IncrInput, signal: AbortSignal) {
    try {
      settle(await runner.run({ signal, timeoutMs: runner.leftMs(endAt) }, (call) => incrAlone(call, input, ids)));
    } catch (error) {
      fail(error);
    }
  }

  return (call, input) => incr(input.key, input, call.signal, call.endAt);
}

/**
 * Returns true if both leave the counter's expiry as it is. The first alone says how the counter begins, as it would if they came one
 * after another.
 */
function canShareWrite(one: IncrInput, other: IncrInput): boolean {
  return one.expiry === undefined && other.expiry === undefined;
}

function withoutUndefined({ delta, min, max }: IncrInput) {
  return {
    ...(delta === undefined ? {} : { delta }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}
