import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ClientOptions } from "@dynakv/client";
import { clientVariables } from "../../common/command-line/client-variables.js";
import { UsageError } from "../../common/command-line/usage-error.js";
import type { FlagValues } from "./flags.js";

/** The flags of all commands that call a server. */
export const connectionFlags = {
  address: {
    type: "string",
    placeholder: "URL",
    help: `where the server is [${clientVariables.address}, default http://127.0.0.1:50051]`,
  },
  "token-file": {
    type: "string",
    placeholder: "FILE",
    help: `a file with the bearer token; or the token itself in [${clientVariables.token}]`,
  },
  ca: { type: "string", placeholder: "FILE", help: "PEM file of the CAs to trust instead of Node's" },
  cert: { type: "string", placeholder: "FILE", help: "PEM file of the client certificate" },
  key: { type: "string", placeholder: "FILE", help: "PEM file of its private key" },
  timeout: { type: "string", placeholder: "SECONDS", help: "deadline of the call, retries included" },
  "allow-insecure-token": {
    type: "boolean",
    help: "allow sending the token unencrypted to another host",
  },
} as const;

/** Cache time of a token file, in milliseconds: tokens are renewed. */
const tokenAgeMs = 10_000;

/** The client's options as the flags and the environment have them. Throws a UsageError. */
export function readConnection(
  flags: FlagValues<typeof connectionFlags>,
  env: Readonly<Record<string, string | undefined>>,
): ClientOptions & { readonly timeoutMs: number | undefined } {
  const { ca, cert, key } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key: give both, or neither");
  }
  const pems = Object.entries({ ca, cert, key }).flatMap(([name, file]) =>
    file === undefined ? [] : [[name, readFlagFile(`--${name}`, file)] as const],
  );
  checkPems(Object.fromEntries(pems));
  const timeoutMs = readTimeout(flags.timeout);
  const address = flags.address ?? (env[clientVariables.address] || undefined);
  const token = readToken(flags["token-file"], env[clientVariables.token] || undefined);
  return {
    timeoutMs,
    allowInsecureToken: flags["allow-insecure-token"],
    ...(address === undefined ? {} : { address }),
    ...(pems.length === 0 ? {} : { tls: Object.fromEntries(pems) }),
    ...(token === undefined ? {} : { token }),
    ...(timeoutMs === undefined ? {} : { defaultTimeoutMs: timeoutMs }),
  };
}

/** Told now: the first call would fail with an error of OpenSSL's, after some seconds of trying. */
function checkPems({ ca, cert, key }: Readonly<Record<string, string>>): void {
  if (ca !== undefined) {
    readPem("--ca", "certificate", () => new X509Certificate(ca));
  }
  if (cert !== undefined && key !== undefined) {
    const certificate = readPem("--cert", "certificate", () => new X509Certificate(cert));
    const privateKey = readPem("--key", "private key without a passphrase", () => createPrivateKey(key));
    if (!certificate.checkPrivateKey(privateKey)) {
      throw new UsageError("--key: is not the private key of --cert");
    }
  }
}

/** Errors never quote the file: it may be the key. */
function readPem<T>(flag: string, kind: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new UsageError(`${flag}: the file holds no ${kind} in PEM`);
  }
}

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0) {
    throw new UsageError(`--timeout: ${JSON.stringify(text)} is no number of seconds above 0`);
  }
  return seconds * 1000;
}

function readToken(file: string | undefined, given: string | undefined): ClientOptions["token"] {
  if (file === undefined) {
    return given === undefined ? undefined : checkToken(given, clientVariables.token);
  }
  const read = () => checkToken(readFlagFile("--token-file", file).trim(), `--token-file: ${file}`);
  let token = read();
  let readAt = performance.now();
  return () => {
    if (performance.now() - readAt > tokenAgeMs) {
      try {
        token = read();
      } catch {
        // It may be about to be replaced. The token that was there is good until the server says otherwise.
      }
      readAt = performance.now();
    }
    return token;
  };
}

/** The token itself is never shown. */
function checkToken(token: string, label: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError(`${label}: holds no token, which is one word of ASCII`);
  }
  return token;
}

function readFlagFile(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
