import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { clientVariables } from "../../common/command-line/client-variables.js";
import { exitCodes } from "../../common/command-line/exit-codes.js";
import { UsageError } from "../../common/command-line/usage-error.js";
import { defaultAddress } from "../../common/default-address.js";
import { connectionFlags, readConnection } from "./connection-flags.js";
import { parseFlags } from "./flags.js";

const { address, ca, cert, key } = connectionFlags;

/** Without the client, whose loading takes longer than the call: containers run it every few seconds. */
export const healthcheckFlags = {
  live: { type: "boolean", help: "succeed if the server answers at all, also while DynamoDB does not" },
  timeout: { type: "string", placeholder: "SECONDS", help: "time for the answer, default 3" },
  address: { ...address, help: `${address.help}; else that of [DYNAKV_LISTEN] and [DYNAKV_TLS_CERT]` },
  ca,
  cert,
  key,
} as const;

const defaultTimeoutMs = 3000;
/** A health check has an answer of a few bytes. */
const maxAnswerBytes = 4096;

/** Asks a server for its health, and sets the code with which the process ends: 0 if it serves, 1 if not. */
export async function healthcheck(argv: readonly string[]): Promise<void> {
  try {
    const { flags, positionals, isHelp } = parseFlags(healthcheckFlags, argv);
    if (isHelp) {
      const { renderHealthcheckHelp } = await import("./help.js");
      process.stdout.write(renderHealthcheckHelp(healthcheckFlags));
      return;
    }
    if (positionals.length > 0) {
      throw new UsageError("healthcheck takes no arguments (dynakv healthcheck --help tells more)");
    }
    const problem = await check(flags);
    if (problem === undefined) {
      process.stdout.write(flags.live ? "the server answers\n" : "the server serves calls\n");
      return;
    }
    process.stderr.write(`dynakv: ${problem}\n`);
    process.exitCode = exitCodes.no;
  } catch (error) {
    process.stderr.write(`dynakv: ${(error as Error).message}\n`);
    process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.no;
  }
}

type Flags = ReturnType<typeof parseFlags<typeof healthcheckFlags>>["flags"];

/** Resolves to what is wrong; undefined when nothing is. */
async function check(flags: Flags): Promise<string | undefined> {
  const where = flags.address ?? (process.env[clientVariables.address] || addressOfServer(process.env));
  const connection = readConnection({ ...flags, "token-file": undefined, "allow-insecure-token": false }, {});
  const url = readUrl(where);
  const timeoutMs = connection.timeoutMs ?? defaultTimeoutMs;
  let answer: Answer;
  try {
    answer = await ask(url, connection.tls ?? {}, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException;
    return name === "TimeoutError" || code === "ABORT_ERR"
      ? `no answer from ${url.origin} within ${timeoutMs / 1000} s`
      : `${url.origin} cannot be reached (${code ?? message}); is the server running there? set --address or ${clientVariables.address}`;
  }
  if (flags.live) {
    return undefined;
  }
  const status = readStatus(answer);
  if (status === undefined) {
    return `${url.origin} answers with HTTP status ${answer.status}, and not as a dynakv server does`;
  }
  return status === "SERVING"
    ? undefined
    : "the server does not serve calls: DynamoDB does not answer it, or it is draining";
}

/** The address at which a server with these variables is reached from its own machine. */
function addressOfServer(env: NodeJS.ProcessEnv): string {
  if (!env.DYNAKV_LISTEN) {
    return defaultAddress;
  }
  const own = env.DYNAKV_LISTEN.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
  return `${env.DYNAKV_TLS_CERT ? "https" : "http"}://${own}`;
}

function readUrl(where: string): URL {
  const url = URL.canParse(where) ? new URL(where) : undefined;
  if ((url?.protocol !== "http:" && url?.protocol !== "https:") || url.username !== "") {
    throw new UsageError("the address is not a URL such as http://127.0.0.1:50051");
  }
  return url;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Tls {
  readonly ca?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
}

/** One request of Connect's, in JSON, over HTTP/1.1. */
function ask(url: URL, tls: Tls, signal: AbortSignal): Promise<Answer> {
  const path = `${url.pathname.replace(/\/$/, "")}/grpc.health.v1.Health/Check`;
  const headers = { "content-type": "application/json", "content-length": 2 };
  // Nothing secret is sent, and a certificate is seldom for the address of loopback.
  const verified = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  const options = { method: "POST", path, headers, signal, agent: false } as const;
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === "https:"
        ? requestHttps(url, { ...options, ...(tls as object), rejectUnauthorized: verified })
        : requestHttp(url, options);
    request.once("error", reject);
    request.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body = `${body}${text}`.slice(0, maxAnswerBytes);
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.end("{}");
  });
}

function readStatus({ status, body }: Answer): string | undefined {
  try {
    // A status that is the schema's default is left out.
    const { status: serving = "UNKNOWN" } = JSON.parse(body) as { status?: unknown };
    return status === 200 && typeof serving === "string" ? serving : undefined;
  } catch {
    return undefined;
  }
}
