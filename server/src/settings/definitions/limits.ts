import { count, type Definition, seconds } from "./definition.js";

/** How much is let in, held and done at once, and for how long. */
export const limitDefinitions = {
  workers: {
    type: "integer",
    default: 1,
    range: [1, 256],
    help: "worker processes; connections are distributed round-robin",
  },
  maxRequestBytes: {
    type: "integer",
    default: 16_777_216,
    range: [524_288, 1_073_741_824],
    placeholder: "BYTES",
    help: "maximum request message size",
  },
  maxKeys: { type: "integer", default: 1_000_000, range: [1, 100_000_000], help: "maximum keys of one MGet" },
  maxStreams: { ...count, default: 1000, help: "maximum concurrent streams of one connection" },
  maxConnections: { ...count, default: 10_000, help: "maximum connections per process" },
  maxConnectionsPerAddress: {
    ...count,
    default: 5000,
    help: "maximum connections per process and remote address",
  },
  connectionIdleSeconds: {
    ...seconds,
    default: 3600,
    range: [1, 86_400],
    help: "idle timeout of an HTTP/2 connection",
  },
  maxConnectionAgeSeconds: {
    ...seconds,
    default: 0,
    range: [0, 86_400],
    help: "connection age after which the client is asked to reconnect (GOAWAY), with 10 % jitter; 0: no limit",
  },
  connectionAgeGraceSeconds: {
    ...seconds,
    default: 60,
    range: [1, 86_400],
    help: "grace period for calls on a connection that has reached that age",
  },
  http1KeepAliveSeconds: {
    ...seconds,
    default: 65,
    range: [1, 86_400],
    help: "keep-alive timeout of HTTP/1.1 connections; longer than that of a load balancer in front",
  },
  maxResetsPerSecond: {
    ...count,
    default: 33,
    help: "sustained rate of stream resets that one HTTP/2 connection may cause before it is replaced",
  },
  bodyTimeoutSeconds: {
    ...seconds,
    default: 30,
    range: [1, 86_400],
    help: "idle timeout of a request body; the whole body has ten times as long",
  },
  maxCalls: { ...count, default: 10_000, help: "maximum concurrent calls per process" },
  maxCallsPerCaller: {
    ...count,
    default: 5000,
    help: "maximum concurrent calls per process and caller; per remote address without authentication",
  },
  memoryBytes: {
    type: "integer",
    default: 0,
    range: [0, 1_099_511_627_776],
    placeholder: "BYTES",
    help: "most bytes that each process holds of requests and of answers that are not taken; 0: by the memory that there is",
  },
  overload: {
    type: ["adaptive", "off"],
    default: "adaptive",
    help: "load shedding when the processor is saturated",
  },
  defaultDeadlineSeconds: {
    ...seconds,
    default: 30,
    range: [1, 86_400],
    help: "default deadline of a unary call",
  },
  maxDeadlineSeconds: {
    ...seconds,
    default: 3600,
    range: [1, 86_400],
    help: "maximum deadline of a call; a longer one is shortened to it",
  },
  mgetConcurrency: {
    type: "integer",
    default: 8,
    range: [1, 256],
    help: "maximum BatchGetItem requests in flight for one MGet",
  },
  dataPlane: {
    type: ["lean", "sdk"],
    default: "lean",
    help: "item requests: dynakv's own, or the AWS SDK's at many times the CPU",
  },
} as const satisfies Record<string, Definition>;
