import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { valueKey } from "../../bench/load.js";
import { encloseMessage } from "../../common/envelope.js";
import { GetRequestSchema, KeyValueService, MGetRequestSchema } from "../../gen/dynakv/v1/key_value_service_pb.js";
import { quantile } from "../../tools/statistics.js";
import type { CallKind, Outcomes, PhaseLoad, PhaseResult } from "./phase.js";

/** What is known of one call. */
interface Sent {
  /** When it was due, and when it was sent, on the clock of performance.now. */
  readonly dueAt: number;
  readonly sentAt: number;
  stream: ClientHttp2Stream | undefined;
  end?: "good" | "refused" | "late" | "failed";
  endedAt?: number;
}

/** As many clients as the calls come from. */
const sessions = 40;
/** Where calls wait for answers, so many are in flight. */
const inFlight = 48;
export const keysOfMget = 300;
const valueBytes = 100;
const ok = "0";
const resourceExhausted = "8";

export interface OpenLoop {
  run(load: PhaseLoad): Promise<PhaseResult>;
  close(): void;
}

/**
 * Calls at the times of a schedule, whether answers come or not, as many callers together do: a slow server is offered no less.
 * Gives a call up at its deadline, as gRPC clients do.
 */
export function createOpenLoop(address: string): OpenLoop {
  const clients = Array.from({ length: sessions }, () => openSession(address));
  let next = 0;

  function send({ call, deadlineMs }: PhaseLoad, dueAt: number, onEnd?: () => void): Sent {
    const index = next++ % clients.length;
    let session = clients[index] as ClientHttp2Session;
    if (session.closed || session.destroyed) {
      session = openSession(address);
      clients[index] = session;
    }
    const sent: Sent = { dueAt, sentAt: performance.now(), stream: undefined };
    const end = (how: NonNullable<Sent["end"]>) => {
      if (sent.end === undefined) {
        sent.end = how;
        sent.endedAt = performance.now();
        sent.stream = undefined;
        onEnd?.();
      }
    };
    const stream = session.request(
      {
        ":method": "POST",
        ":path": `/${KeyValueService.typeName}/${call === "get" ? "Get" : "MGet"}`,
        "content-type": "application/grpc+proto",
        te: "trailers",
        "grpc-timeout": `${deadlineMs}m`,
      },
      { endStream: false },
    );
    sent.stream = stream;
    const onStatus = (headers: Record<string, unknown>) => {
      const { "grpc-status": status } = headers;
      if (status !== undefined) {
        end(status === ok ? "good" : status === resourceExhausted ? "refused" : "late");
      }
    };
    stream.on("response", onStatus);
    stream.on("trailers", onStatus);
    stream.on("error", () => {});
    stream.on("close", () => end("failed"));
    stream.resume();
    stream.end(bodies[call](next));
    return sent;
  }

  /** At the times of a Poisson process. */
  async function runOpen(load: PhaseLoad, rate: number): Promise<Sent[]> {
    const all: Sent[] = [];
    let firstOpen = 0;
    const startedAt = performance.now();
    const endAt = startedAt + load.milliseconds;
    let dueAt = startedAt;
    const giveUpLate = (now: number) => {
      for (; firstOpen < all.length; firstOpen++) {
        const sent = all[firstOpen] as Sent;
        if (sent.end === undefined) {
          if (now < sent.dueAt + load.deadlineMs) {
            return;
          }
          sent.end = "late";
          sent.stream?.close(constants.NGHTTP2_CANCEL);
          sent.stream = undefined;
        }
      }
    };
    await new Promise<void>((resolve) => {
      const tick = () => {
        const now = performance.now();
        for (; dueAt <= now && dueAt < endAt; dueAt -= Math.log(1 - Math.random()) * (1000 / rate)) {
          all.push(send(load, dueAt));
        }
        giveUpLate(now);
        if (now >= endAt && firstOpen >= all.length) {
          resolve();
        } else {
          setTimeout(tick, 1);
        }
      };
      tick();
    });
    return all;
  }

  /** One call after another, on so many lanes. */
  async function runClosed(load: PhaseLoad): Promise<Sent[]> {
    const all: Sent[] = [];
    const endAt = performance.now() + load.milliseconds;
    const lane = async () => {
      for (let now = performance.now(); now < endAt; now = performance.now()) {
        await new Promise<void>((resolve) => all.push(send(load, now, resolve)));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return all;
  }

  return {
    async run(load) {
      const cpuBefore = process.cpuUsage();
      const startedAt = performance.now();
      const all = await (load.rate === undefined ? runClosed(load) : runOpen(load, load.rate));
      const { user, system } = process.cpuUsage(cpuBefore);
      const callerShare = (user + system) / 1000 / (performance.now() - startedAt);
      const seconds = load.milliseconds / 1000;
      const bySecond = Array.from({ length: Math.ceil(seconds) }, (_, second) => {
        const from = startedAt + second * 1000;
        return outcomesOf(
          all.filter(({ dueAt }) => dueAt >= from && dueAt < from + 1000),
          load,
          1,
        );
      });
      const lags = all.map(({ dueAt, sentAt }) => sentAt - dueAt);
      return { ...outcomesOf(all, load, seconds), bySecond, lagP99: quantile(lags, 0.99), callerShare };
    },
    close() {
      for (const session of clients) {
        session.destroy();
      }
    },
  };
}

function openSession(address: string): ClientHttp2Session {
  const session = connect(address);
  // Its calls fail, and the next opens another.
  session.on("error", () => {});
  return session;
}

function outcomesOf(all: readonly Sent[], { deadlineMs, rate }: PhaseLoad, seconds: number): Outcomes {
  const count = (...ends: Sent["end"][]) => all.filter(({ end }) => ends.includes(end)).length;
  const latency = ({ dueAt, endedAt, end }: Sent) =>
    end === "good" ? (endedAt ?? 0) - dueAt : Number.POSITIVE_INFINITY;
  const isInTime = (sent: Sent) => sent.end === "good" && (rate === undefined || latency(sent) <= deadlineMs);
  const good = all.filter(isInTime).length;
  const accepted = all.filter(({ end }) => end !== "refused").map(latency);
  const refusalTimes = all.filter(({ end }) => end === "refused").map(({ dueAt, endedAt }) => (endedAt ?? 0) - dueAt);
  return {
    seconds,
    offered: all.length,
    good,
    refused: refusalTimes.length,
    late: count("good", "late") - good,
    failed: count("failed"),
    p50: quantile(accepted, 0.5),
    p99: quantile(accepted, 0.99),
    refusedP99: quantile(refusalTimes, 0.99),
  };
}

const mgetBodies = Array.from({ length: 50 }, (_, n) =>
  encloseMessage(
    toBinary(
      MGetRequestSchema,
      create(MGetRequestSchema, {
        keys: Array.from({ length: keysOfMget }, (_, m) => valueKey(valueBytes, n * keysOfMget + m)),
      }),
    ),
  ),
);

const bodies: Record<CallKind, (n: number) => Buffer> = {
  get: (n) => encloseMessage(toBinary(GetRequestSchema, create(GetRequestSchema, { key: valueKey(valueBytes, n) }))),
  mget: (n) => mgetBodies[n % mgetBodies.length] as Buffer,
};
