import {
  checkAddress,
  checkAttributeName,
  checkEndpoint,
  checkHeaderName,
  checkHost,
  checkJwks,
  checkOrigin,
  checkPath,
  checkRegion,
  checkTableName,
} from "./text-checks.js";

/** All there is to one setting. Its flag and its environment variable follow from its name: setting-names.ts. */
interface Definition {
  /** A list names the words that it takes. */
  readonly type: "string" | "integer" | "boolean" | readonly string[];
  /** Left out: the setting may be unset. */
  readonly default?: string | number | boolean;
  /** The lowest and the highest integer. */
  readonly range?: readonly [number, number];
  /** Throws a UsageError for text that is not right; of a list for each item. */
  readonly check?: (text: string, label: string) => void;
  /** Items separated by commas; only a list may be empty. */
  readonly isList?: boolean;
  /** White space around it is dropped: stores of secrets often end with a newline, with which no signature would be right. */
  readonly isTrimmed?: boolean;
  /** Its value is never printed. */
  readonly isSecret?: boolean;
  /** What its flag means without a value. */
  readonly bareFlag?: string;
  /** Stands for the value in `--help`. */
  readonly placeholder?: string;
  /** One line for `--help` and docs/settings.md. */
  readonly help: string;
  /** The part of the connection URL that sets it. */
  readonly url?: string;
  /** Celery's name for it. */
  readonly celery?: string;
}

const seconds = { type: "integer", placeholder: "SECONDS" } as const;
const count = { type: "integer", range: [1, 1_000_000] } as const;
const attribute = { type: "string", placeholder: "NAME", check: checkAttributeName } as const;
const file = { type: "string", placeholder: "FILE", check: checkPath } as const;
const list = { type: "string", default: "", isList: true } as const;

/** In the order of `--help` and docs/settings.md. */
const definitions = {
  listen: {
    type: "string",
    default: "127.0.0.1:50051",
    placeholder: "HOST:PORT",
    check: checkAddress,
    help: "address to listen on; port 0 picks a free one",
  },
  backend: {
    type: "string",
    placeholder: "URL",
    isSecret: true,
    help: "dynamodb://[key:secret@]region[:port][/table][?read=n&write=n&ttl_seconds=n]; unset: the embedded engine, for development and tests",
  },
  data: {
    type: "string",
    default: "./data",
    placeholder: "DIR|memory",
    check: checkPath,
    help: "data folder of the embedded engine",
  },
  table: {
    type: "string",
    default: "celery",
    placeholder: "NAME",
    check: checkTableName,
    url: "/table",
    celery: "table_name",
    help: "table name",
  },
  readCapacity: {
    type: "integer",
    range: [1, 1_000_000],
    placeholder: "UNITS",
    url: "?read",
    celery: "read_capacity_units",
    help: "read capacity of a table that is created; unset: on-demand billing",
  },
  writeCapacity: {
    type: "integer",
    range: [1, 1_000_000],
    placeholder: "UNITS",
    url: "?write",
    celery: "write_capacity_units",
    help: "write capacity of a table that is created; unset: on-demand billing",
  },
  region: {
    type: "string",
    placeholder: "REGION",
    check: checkRegion,
    url: "region",
    celery: "aws_region",
    help: "AWS region; unset: the AWS chain's",
  },
  endpoint: {
    type: "string",
    placeholder: "URL",
    check: checkEndpoint,
    url: "host:port",
    celery: "endpoint_url",
    help: "endpoint of DynamoDB, DynamoDB Local or Alternator; unset: that of AWS",
  },
  accessKeyId: {
    type: "string",
    placeholder: "KEY",
    isTrimmed: true,
    url: "key",
    help: "access key; unset: the AWS default chain",
  },
  secretAccessKey: {
    type: "string",
    placeholder: "SECRET",
    isTrimmed: true,
    isSecret: true,
    url: "secret",
    help: "secret access key; prefer the environment or the config file",
  },
  sessionToken: {
    type: "string",
    placeholder: "TOKEN",
    isTrimmed: true,
    isSecret: true,
    help: "session token of temporary credentials",
  },
  ttlSeconds: {
    ...seconds,
    range: [-315_360_000, 315_360_000],
    url: "?ttl_seconds",
    celery: "time_to_live_seconds",
    help: "default expiry; unset: leave the table's TTL alone, 0 and up: enable it, below 0: disable it (0: enable it, but no default expiry)",
  },
  createTable: { type: "boolean", default: true, help: "create the table when it is missing" },
  tableWaitSeconds: {
    ...seconds,
    default: 120,
    range: [1, 3600],
    help: "timeout for the table to become ACTIVE",
  },
  keyAttribute: { ...attribute, default: "id", help: "partition key of the table (S)" },
  valueAttribute: { ...attribute, default: "result", help: "attribute of a value (B)" },
  counterAttribute: { ...attribute, default: "chord_count", help: "attribute of a counter (N)" },
  writeTimeAttribute: { ...attribute, default: "timestamp", help: "attribute of the write time (N, epoch seconds)" },
  expiryAttribute: { ...attribute, default: "ttl", help: "attribute of the expiry (N, whole epoch seconds)" },
  etagAttribute: { ...attribute, default: "etag", help: "attribute of the etag of what dynakv wrote (S)" },
  requestsAttribute: {
    ...attribute,
    default: "dynakv_requests",
    help: "attribute of a counter's deduplication state (M)",
  },
  membersAttribute: {
    ...attribute,
    default: "dynakv_members",
    help: "attribute of a counter's members (BS)",
  },
  exactExpiryAttribute: {
    ...attribute,
    default: "dynakv_expires",
    help: "attribute of the expiry to the millisecond, beside `expiryAttribute` (N, epoch milliseconds)",
  },
  requestWindowSeconds: {
    ...seconds,
    default: 600,
    range: [60, 86_400],
    help: "deduplication window: how long an increment can be retried with its request id",
  },
  requestSlots: {
    type: "integer",
    default: 32,
    range: [4, 128],
    help: "request ids kept in a counter's own item, at some 27 bytes each; older ones move to archive items",
  },
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
  tlsCert: { ...file, help: "certificate chain of the server, PEM; unset: no TLS" },
  tlsKey: { ...file, help: "key of the certificate, PEM without a passphrase" },
  tlsClientCa: { ...file, help: "CAs of client certificates, PEM; unset: none is requested" },
  tlsClientAuth: {
    type: ["optional", "required"],
    default: "optional",
    help: "whether a client certificate is required; without one, an optional connection may check health and use a token",
  },
  tokensFile: { ...file, help: "bearer tokens, as hashes, JSON; see `dynakv token new`" },
  jwks: {
    type: "string",
    placeholder: "FILE|URL",
    check: checkJwks,
    help: "JWKS that verifies JWTs: a file, or an https:// URL",
  },
  jwtIssuer: { type: "string", placeholder: "ISSUER", help: "required iss of a JWT; goes with jwks" },
  jwtAudience: { type: "string", placeholder: "AUDIENCE", help: "required aud of a JWT; goes with jwks" },
  jwtClaim: { type: "string", default: "sub", placeholder: "NAME", help: "claim of a JWT that identifies its caller" },
  policyFile: { ...file, help: "access policy, JSON; unset: every authenticated caller may do everything" },
  introspection: {
    type: ["open", "authenticated", "off"],
    help: "access to reflection and InfoService; unset: authenticated if callers are authenticated, else open",
  },
  allowAnyoneOnTheNetwork: {
    type: "boolean",
    default: false,
    help: "allow unauthenticated callers on a non-loopback address",
  },
  allowPlaintextOnTheNetwork: {
    type: "boolean",
    default: false,
    help: "allow tokens without TLS on a non-loopback address, such as behind a proxy that terminates TLS",
  },
  allowedHosts: {
    ...list,
    placeholder: "NAMES",
    check: checkHost,
    help: "further Host names accepted by an unauthenticated server on loopback, comma-separated",
  },
  corsOrigins: {
    ...list,
    placeholder: "ORIGINS",
    check: checkOrigin,
    help: "CORS origins, comma-separated, such as https://*.app.example; * for any; loopback origins are always allowed",
  },
  corsHeaders: {
    ...list,
    placeholder: "NAMES",
    check: checkHeaderName,
    help: "further CORS request headers, comma-separated, such as baggage,sentry-trace",
  },
  corsCredentials: {
    type: "boolean",
    default: false,
    help: "CORS requests with cookies and client certificates; not with * among the origins",
  },
  drainSeconds: {
    ...seconds,
    default: 10,
    range: [0, 3600],
    help: "drain timeout of running calls after SIGTERM or SIGINT",
  },
  adminListen: {
    type: "string",
    placeholder: "HOST:PORT",
    check: checkAddress,
    help: "address of /metrics, /healthz and /readyz over plain HTTP, which show no secrets or keys; unset: none",
  },
  console: {
    type: ["on", "read-only", "off"],
    bareFlag: "on",
    help: "web console at /console on the service's port, for whoever may call; unset: on for `dynakv serve` with the embedded engine, else off",
  },
  accessLog: {
    type: ["off", "failed", "all"],
    default: "failed",
    help: "calls to log; off: only failures of the server or DynamoDB",
  },
  logKeys: {
    type: ["never", "hashed"],
    default: "never",
    help: "log hashes of the keys of calls (docs/observability.md); keys themselves are never logged",
  },
  logLevel: {
    type: ["silent", "fatal", "error", "warn", "info", "debug", "trace"],
    default: "info",
    placeholder: "LEVEL",
    help: "minimum log level",
  },
  logFormat: {
    type: ["auto", "json", "text"],
    default: "auto",
    help: "log format; auto: text on a terminal, JSON elsewhere",
  },
} as const satisfies Readonly<Record<string, Definition>>;

type Definitions = typeof definitions;
type ValueOf<Type> = Type extends readonly (infer Word)[]
  ? Word
  : Type extends "integer"
    ? number
    : Type extends "boolean"
      ? boolean
      : string;

/** Every setting, resolved: docs/settings.md describes each. One without a default may be undefined. */
export type Settings = {
  -readonly [Name in keyof Definitions]:
    | ValueOf<Definitions[Name]["type"]>
    | (Definitions[Name] extends { readonly default: unknown } ? never : undefined);
};

export interface SettingDefinition extends Definition {
  readonly name: keyof Settings;
  readonly placeholder: string;
}

export const settingDefinitions: readonly SettingDefinition[] = Object.entries<Definition>(definitions).map(
  ([name, definition]) => ({
    ...definition,
    name: name as keyof Settings,
    placeholder: definition.placeholder ?? placeholderOf(definition),
  }),
);

function placeholderOf({ type }: Definition): string {
  return type === "integer"
    ? "N"
    : type === "boolean"
      ? "true|false"
      : typeof type === "string"
        ? "TEXT"
        : type.join("|");
}
