/**
 * Every setting of the server, resolved. The command line, the environment, the config file and the connection URL all
 * end here; {@link settingDefinitions} says where each comes from.
 */
export interface Settings {
  /** Where to listen, as `HOST:PORT`; port 0 picks a free one. */
  listen: string;
  /** The `dynamodb://` URL of the backend, or undefined for the embedded engine. */
  backend: string | undefined;
  /** Where the embedded engine keeps its data: a folder, or `memory`. */
  data: string;
  /** The name of the table. */
  table: string;
  /** Read capacity units of a table that is created. With neither capacity set, the table is billed on demand. */
  readCapacity: number | undefined;
  /** Write capacity units of a table that is created. With neither capacity set, the table is billed on demand. */
  writeCapacity: number | undefined;
  /** The AWS region; undefined leaves it to the AWS chain. */
  region: string | undefined;
  /** The endpoint of DynamoDB; undefined means that of AWS. */
  endpoint: string | undefined;
  /** The access key; undefined leaves credentials to the AWS chain. */
  accessKeyId: string | undefined;
  /** The secret of the access key. */
  secretAccessKey: string | undefined;
  /** The session token of temporary credentials. */
  sessionToken: string | undefined;
  /**
   * The default expiry in seconds, and what becomes of the table's TTL: undefined leaves the TTL as it is, 0 and up
   * enables it, below 0 disables it. 0 gives entries no default expiry.
   */
  ttlSeconds: number | undefined;
  /** Whether a missing table is created. */
  createTable: boolean;
  /** How long to wait for the table to become ACTIVE, in seconds. */
  tableWaitSeconds: number;
  /** The table's partition key, of type S. */
  keyAttribute: string;
  /** The attribute that holds a value, of type B. */
  valueAttribute: string;
  /** The attribute that holds a counter, of type N. */
  counterAttribute: string;
  /** The attribute that holds the write time, of type N, in epoch seconds. */
  writeTimeAttribute: string;
  /** The attribute that holds the expiry, of type N, in whole epoch seconds. */
  expiryAttribute: string;
  /** The attribute that holds the etag of what dynakv wrote, of type S. */
  etagAttribute: string;
  /** The attribute that remembers the increments of a counter, of type M. */
  requestsAttribute: string;
  /** The attribute that holds the members that a counter has counted, of type BS. */
  membersAttribute: string;
  /** The attribute that holds the expiry to the millisecond, of type N, in epoch milliseconds. */
  exactExpiryAttribute: string;
  /** How long an increment can be repeated with its request id, in seconds from the time in the id. */
  requestWindowSeconds: number;
  /** How many of its last increments a counter's own item remembers; older ones of the window lie in items of their own. */
  requestSlots: number;
  /** How many processes serve calls. */
  workers: number;
  /** The largest request message in bytes. */
  maxRequestBytes: number;
  /** The most keys of one MGet. */
  maxKeys: number;
  /** The most calls that one connection may have open. */
  maxStreams: number;
  /** The most connections of each process. */
  maxConnections: number;
  /** The most connections of each process with one remote address. */
  maxConnectionsPerAddress: number;
  /** How long a connection may be without a call, in seconds. */
  connectionIdleSeconds: number;
  /** How long a connection serves, in seconds, a tenth more or less; 0: for as long as its client keeps it. */
  maxConnectionAgeSeconds: number;
  /** How long calls may run on when their connection has reached its age, in seconds. */
  connectionAgeGraceSeconds: number;
  /** How long an HTTP/1.1 connection may be idle, in seconds. */
  http1KeepAliveSeconds: number;
  /** How many calls one HTTP/2 connection may cancel in a second, in the long run. */
  maxResetsPerSecond: number;
  /** How long the body of a request may stand still, in seconds. */
  bodyTimeoutSeconds: number;
  /** The most calls that each process has under way. */
  maxCalls: number;
  /** The most calls that one caller, or where nobody is asked who they are one remote address, has under way in each process. */
  maxCallsPerCaller: number;
  /** The most bytes that each process holds for its callers; 0: by the memory that there is. */
  memoryBytes: number;
  /** Whether calls are refused when there are more than the processor can carry. */
  overload: OverloadControl;
  /** The deadline of a unary call that sets none, in seconds. */
  defaultDeadlineSeconds: number;
  /** The longest deadline that a caller may set, in seconds. */
  maxDeadlineSeconds: number;
  /** The most BatchGetItem calls that one MGet has in flight. */
  mgetConcurrency: number;
  /** How items are read and written: by requests of dynakv's own, or by the AWS SDK, at many times the cost. */
  dataPlane: DataPlaneKind;
  /** The PEM file of the server's certificate and what it hangs on; undefined serves without TLS. */
  tlsCert: string | undefined;
  /** The PEM file of the certificate's key. */
  tlsKey: string | undefined;
  /** The PEM file of the authorities whose certificates name callers; undefined asks nobody for one. */
  tlsClientCa: string | undefined;
  /** Whether a connection without such a certificate is closed, or may check health and bring a token instead. */
  tlsClientAuth: TlsClientAuth;
  /** The JSON file of bearer tokens, as hashes. */
  tokensFile: string | undefined;
  /** The keys by which JWTs are checked: a file, or an https:// URL. */
  jwks: string | undefined;
  /** The `iss` that a JWT must have. */
  jwtIssuer: string | undefined;
  /** The `aud` that a JWT must have. */
  jwtAudience: string | undefined;
  /** The claim of a JWT that names its caller. */
  jwtClaim: string;
  /** The JSON file of who may do what; undefined lets every caller who is known do everything. */
  policyFile: string | undefined;
  /** Who may use reflection and InfoService; undefined: everyone, or with callers to be known only they. */
  introspection: Introspection | undefined;
  /** Whether callers may stay unknown elsewhere than on loopback. */
  allowAnyoneOnTheNetwork: boolean;
  /** Whether tokens may come unencrypted elsewhere than on loopback, such as from a proxy that ends TLS. */
  allowPlaintextOnTheNetwork: boolean;
  /** Names beside those of loopback under which a server may be called that listens there and asks nobody who they are, separated by commas. */
  allowedHosts: string;
  /** The origins whose pages may call, separated by commas, such as `https://*.app.example`; `*` for any. Pages on loopback origins always may. */
  corsOrigins: string;
  /** Request headers that pages may send beside those of the protocols and dynakv's own, separated by commas. */
  corsHeaders: string;
  /** Whether pages may send cookies and client certificates along. */
  corsCredentials: boolean;
  /** How long calls may run on after SIGTERM or SIGINT, in seconds. */
  drainSeconds: number;
  /** Where Prometheus finds metrics and probes find health, as `HOST:PORT`; undefined: nowhere. */
  adminListen: string | undefined;
  /** Which calls have a line in the log: all, those that failed, or only those for which the server or DynamoDB is to blame. */
  accessLog: AccessLogKind;
  /** Whether lines of calls hold hashes of their keys. Keys themselves are never logged. */
  logKeys: LogKeys;
  /** The least severe level that is logged. */
  logLevel: LogLevel;
  /** How log lines look: `json` for programs, `text` for people; `auto` is text on a terminal, and JSON elsewhere. */
  logFormat: LogFormat;
}

/** The levels of pino, from most to least severe, and `silent`. */
export const logLevels = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof logLevels)[number];

export const dataPlanes = ["lean", "sdk"] as const;
export type DataPlaneKind = (typeof dataPlanes)[number];

export const overloadControls = ["adaptive", "off"] as const;
export type OverloadControl = (typeof overloadControls)[number];
export const tlsClientAuths = ["optional", "required"] as const;
export type TlsClientAuth = (typeof tlsClientAuths)[number];

export const introspections = ["open", "authenticated", "off"] as const;
export type Introspection = (typeof introspections)[number];

export const logFormats = ["auto", "json", "text"] as const;
export type LogFormat = (typeof logFormats)[number];

export const accessLogs = ["off", "failed", "all"] as const;
export type AccessLogKind = (typeof accessLogs)[number];

export const logKeysKinds = ["never", "hashed"] as const;
export type LogKeys = (typeof logKeysKinds)[number];

/** How one setting is read and described. */
export interface SettingDefinition {
  readonly name: keyof Settings;
  readonly type: "string" | "integer" | "boolean" | readonly string[];
  /** The default; undefined means unset. */
  readonly default: string | number | boolean | undefined;
  /** For integers: the lowest and the highest that are accepted. */
  readonly range?: readonly [number, number];
  /** What stands in for the value in `--help`, such as `HOST:PORT`. */
  readonly placeholder: string;
  /** One line for `--help` and docs/settings.md. */
  readonly help: string;
  /** The part of the connection URL that sets it, and Celery's name for it, where there is one. */
  readonly url?: string;
  readonly celery?: string;
  /** Whether its value must never be printed. */
  readonly secret?: boolean;
}

const second = { type: "integer", placeholder: "SECONDS" } as const;
const count = { type: "integer", range: [1, 1_000_000], placeholder: "N" } as const;
const attribute = { type: "string", placeholder: "NAME" } as const;
const file = { type: "string", default: undefined, placeholder: "FILE" } as const;

/** All settings, in the order in which `--help` and docs/settings.md show them. */
export const settingDefinitions: readonly SettingDefinition[] = [
  {
    name: "listen",
    type: "string",
    default: "127.0.0.1:50051",
    placeholder: "HOST:PORT",
    help: "where to listen; port 0 picks a free one",
  },
  {
    name: "backend",
    type: "string",
    default: undefined,
    placeholder: "URL",
    help: "dynamodb://[key:secret@]region[:port][/table][?read=n&write=n&ttl_seconds=n]; unset: the embedded engine, for development and tests",
    secret: true,
  },
  {
    name: "data",
    type: "string",
    default: "./data",
    placeholder: "DIR|memory",
    help: "where the embedded engine keeps its data",
  },
  {
    name: "table",
    type: "string",
    default: "celery",
    placeholder: "NAME",
    help: "table name",
    url: "/table",
    celery: "table_name",
  },
  {
    name: "readCapacity",
    type: "integer",
    default: undefined,
    range: [1, 1_000_000],
    placeholder: "UNITS",
    help: "read capacity of a table that is created; unset: on-demand billing",
    url: "?read",
    celery: "read_capacity_units",
  },
  {
    name: "writeCapacity",
    type: "integer",
    default: undefined,
    range: [1, 1_000_000],
    placeholder: "UNITS",
    help: "write capacity of a table that is created; unset: on-demand billing",
    url: "?write",
    celery: "write_capacity_units",
  },
  {
    name: "region",
    type: "string",
    default: undefined,
    placeholder: "REGION",
    help: "AWS region; unset: the AWS chain's",
    url: "region",
    celery: "aws_region",
  },
  {
    name: "endpoint",
    type: "string",
    default: undefined,
    placeholder: "URL",
    help: "endpoint of DynamoDB, DynamoDB Local or Alternator; unset: that of AWS",
    url: "host:port",
    celery: "endpoint_url",
  },
  {
    name: "accessKeyId",
    type: "string",
    default: undefined,
    placeholder: "KEY",
    help: "access key; unset: the AWS default chain",
    url: "key",
  },
  {
    name: "secretAccessKey",
    type: "string",
    default: undefined,
    placeholder: "SECRET",
    help: "secret of the access key; better given by environment or file",
    url: "secret",
    secret: true,
  },
  {
    name: "sessionToken",
    type: "string",
    default: undefined,
    placeholder: "TOKEN",
    help: "session token of temporary credentials",
    secret: true,
  },
  {
    ...second,
    name: "ttlSeconds",
    default: undefined,
    range: [-315_360_000, 315_360_000],
    help: "default expiry; unset: leave the table's TTL alone, 0 and up: enable it, below 0: disable it (0: enable it, but no default expiry)",
    url: "?ttl_seconds",
    celery: "time_to_live_seconds",
  },
  {
    name: "createTable",
    type: "boolean",
    default: true,
    placeholder: "true|false",
    help: "create the table when it is missing",
  },
  {
    ...second,
    name: "tableWaitSeconds",
    default: 120,
    range: [1, 3600],
    help: "how long to wait for the table to become ACTIVE",
  },
  { ...attribute, name: "keyAttribute", default: "id", help: "partition key of the table (S)" },
  { ...attribute, name: "valueAttribute", default: "result", help: "attribute of a value (B)" },
  { ...attribute, name: "counterAttribute", default: "chord_count", help: "attribute of a counter (N)" },
  {
    ...attribute,
    name: "writeTimeAttribute",
    default: "timestamp",
    help: "attribute of the write time (N, epoch seconds)",
  },
  {
    ...attribute,
    name: "expiryAttribute",
    default: "ttl",
    help: "attribute of the expiry (N, whole epoch seconds)",
  },
  { ...attribute, name: "etagAttribute", default: "etag", help: "attribute of the etag of what dynakv wrote (S)" },
  {
    ...attribute,
    name: "requestsAttribute",
    default: "dynakv_requests",
    help: "attribute that remembers the increments of a counter (M)",
  },
  {
    ...attribute,
    name: "membersAttribute",
    default: "dynakv_members",
    help: "attribute of the members that a counter has counted (BS)",
  },
  {
    ...attribute,
    name: "exactExpiryAttribute",
    default: "dynakv_expires",
    help: "attribute of the expiry to the millisecond, beside `expiryAttribute` (N, epoch milliseconds)",
  },
  {
    ...second,
    name: "requestWindowSeconds",
    default: 600,
    range: [60, 86_400],
    help: "how long an increment can be repeated with its request id",
  },
  {
    name: "requestSlots",
    type: "integer",
    default: 32,
    range: [4, 128],
    placeholder: "N",
    help: "how many of its last increments a counter's own item remembers, at some 27 bytes each; older ones lie in items of their own",
  },
  {
    name: "workers",
    type: "integer",
    default: 1,
    range: [1, 256],
    placeholder: "N",
    help: "processes that serve calls; connections are dealt out to them in turn",
  },
  {
    name: "maxRequestBytes",
    type: "integer",
    default: 16_777_216,
    range: [524_288, 1_073_741_824],
    placeholder: "BYTES",
    help: "largest request message",
  },
  { ...count, name: "maxKeys", default: 1_000_000, range: [1, 100_000_000], help: "most keys of one MGet" },
  { ...count, name: "maxStreams", default: 1000, help: "most calls that one connection may have open" },
  { ...count, name: "maxConnections", default: 10_000, help: "most connections of each process" },
  {
    ...count,
    name: "maxConnectionsPerAddress",
    default: 5000,
    help: "most connections of each process with one remote address",
  },
  {
    ...second,
    name: "connectionIdleSeconds",
    default: 3600,
    range: [1, 86_400],
    help: "how long an HTTP/2 connection may be without a call",
  },
  {
    ...second,
    name: "maxConnectionAgeSeconds",
    default: 0,
    range: [0, 86_400],
    help: "how long a connection serves before its client is asked to make a new one, a tenth more or less; 0: no limit",
  },
  {
    ...second,
    name: "connectionAgeGraceSeconds",
    default: 60,
    range: [1, 86_400],
    help: "how long calls may run on when their connection has reached that age",
  },
  {
    ...second,
    name: "http1KeepAliveSeconds",
    default: 65,
    range: [1, 86_400],
    help: "how long an HTTP/1.1 connection may be idle; more than a balancer in front keeps its own",
  },
  {
    ...count,
    name: "maxResetsPerSecond",
    default: 33,
    help: "calls that one HTTP/2 connection may cancel in a second, in the long run, before it is replaced",
  },
  {
    ...second,
    name: "bodyTimeoutSeconds",
    default: 30,
    range: [1, 86_400],
    help: "how long the body of a request may stand still; in all it has ten times as long",
  },
  { ...count, name: "maxCalls", default: 10_000, help: "most calls that each process has under way" },
  {
    ...count,
    name: "maxCallsPerCaller",
    default: 5000,
    help: "most calls of one caller that each process has under way; of one remote address where nobody is asked who they are",
  },
  {
    name: "memoryBytes",
    type: "integer",
    default: 0,
    range: [0, 1_099_511_627_776],
    placeholder: "BYTES",
    help: "most bytes that each process holds of requests and of answers that are not taken; 0: by the memory that there is",
  },
  {
    name: "overload",
    type: overloadControls,
    default: "adaptive",
    placeholder: "adaptive|off",
    help: "whether calls are refused when there are more than the processor can carry",
  },
  {
    ...second,
    name: "defaultDeadlineSeconds",
    default: 30,
    range: [1, 86_400],
    help: "deadline of a unary call that sets none",
  },
  {
    ...second,
    name: "maxDeadlineSeconds",
    default: 3600,
    range: [1, 86_400],
    help: "longest deadline of a call; a longer one is shortened to it",
  },
  {
    name: "mgetConcurrency",
    type: "integer",
    default: 8,
    range: [1, 256],
    placeholder: "N",
    help: "most BatchGetItem calls that one MGet has in flight",
  },
  {
    name: "dataPlane",
    type: dataPlanes,
    default: "lean",
    placeholder: "lean|sdk",
    help: "how items are read and written: requests of dynakv's own, or the AWS SDK's at many times the cost",
  },
  { ...file, name: "tlsCert", help: "certificate chain of the server, PEM; unset: no TLS" },
  { ...file, name: "tlsKey", help: "key of the certificate, PEM without a passphrase" },
  { ...file, name: "tlsClientCa", help: "authorities whose certificates name callers, PEM; unset: none is asked for" },
  {
    name: "tlsClientAuth",
    type: tlsClientAuths,
    default: "optional",
    placeholder: "optional|required",
    help: "what becomes of a connection without such a certificate: it may check health and bring a token, or is closed",
  },
  { ...file, name: "tokensFile", help: "bearer tokens, as hashes, JSON; see `dynakv token new`" },
  {
    name: "jwks",
    type: "string",
    default: undefined,
    placeholder: "FILE|URL",
    help: "keys by which JWTs are checked: a file, or an https:// URL",
  },
  {
    name: "jwtIssuer",
    type: "string",
    default: undefined,
    placeholder: "ISSUER",
    help: "the iss that a JWT must have; goes with jwks",
  },
  {
    name: "jwtAudience",
    type: "string",
    default: undefined,
    placeholder: "AUDIENCE",
    help: "the aud that a JWT must have; goes with jwks",
  },
  { ...attribute, name: "jwtClaim", default: "sub", help: "claim of a JWT that names its caller" },
  { ...file, name: "policyFile", help: "who may do what, JSON; unset: every known caller may do everything" },
  {
    name: "introspection",
    type: introspections,
    default: undefined,
    placeholder: "open|authenticated|off",
    help: "who may use reflection and InfoService; unset: authenticated where callers have to be known, else open",
  },
  {
    name: "allowAnyoneOnTheNetwork",
    type: "boolean",
    default: false,
    placeholder: "true|false",
    help: "listen elsewhere than on loopback without knowing who calls",
  },
  {
    name: "allowPlaintextOnTheNetwork",
    type: "boolean",
    default: false,
    placeholder: "true|false",
    help: "take tokens elsewhere than on loopback without TLS, such as behind a proxy that ends it",
  },
  {
    name: "allowedHosts",
    type: "string",
    default: "",
    placeholder: "NAMES",
    help: "names beside those of loopback by which a server may be called that listens on loopback and asks nobody who they are, separated by commas",
  },
  {
    name: "corsOrigins",
    type: "string",
    default: "",
    placeholder: "ORIGINS",
    help: "origins whose pages may call, separated by commas, such as https://*.app.example; * for any; pages on loopback always may",
  },
  {
    name: "corsHeaders",
    type: "string",
    default: "",
    placeholder: "NAMES",
    help: "request headers that pages may send beside those of the protocols, separated by commas, such as baggage,sentry-trace",
  },
  {
    name: "corsCredentials",
    type: "boolean",
    default: false,
    placeholder: "true|false",
    help: "whether pages may send cookies and client certificates along; not with * among the origins",
  },
  {
    ...second,
    name: "drainSeconds",
    default: 10,
    range: [0, 3600],
    help: "how long calls may run on after SIGTERM or SIGINT",
  },
  {
    name: "adminListen",
    type: "string",
    default: undefined,
    placeholder: "HOST:PORT",
    help: "where /metrics, /healthz and /readyz are served over plain HTTP, without secrets or keys; any host may be named; unset: nowhere",
  },
  {
    name: "accessLog",
    type: accessLogs,
    default: "failed",
    placeholder: "off|failed|all",
    help: "which calls have a line in the log; off: only those for which the server or DynamoDB is to blame",
  },
  {
    name: "logKeys",
    type: logKeysKinds,
    default: "never",
    placeholder: "never|hashed",
    help: "whether the lines of calls hold hashes of their keys (docs/observability.md); keys themselves are never logged",
  },
  { name: "logLevel", type: logLevels, default: "info", placeholder: "LEVEL", help: "least severe level to log" },
  {
    name: "logFormat",
    type: logFormats,
    default: "auto",
    placeholder: "auto|json|text",
    help: "log lines for programs or for people; auto: text on a terminal, JSON elsewhere",
  },
];
