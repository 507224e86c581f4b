import { isIP, isIPv6 } from "node:net";
import { UsageError } from "../../../common/command-line/usage-error.js";

/** DynamoDB's limit. */
const maxAttributeNameBytes = 255;

export const hidden = "what was given";

/** The longest number, word or region, and some more. */
const maxShown = 24;

/** A value that is wrong. What is longer than most that are right is not shown: it may be a secret that was meant for another setting. */
export function showValue(value: unknown): string {
  // A program may give a bigint, which has no JSON.
  const shown = (typeof value === "bigint" ? `${value}n` : JSON.stringify(value)) ?? typeof value;
  return shown.length > maxShown ? hidden : shown;
}

/** Returns true if DynamoDB's host names could have it. Any name of that form is taken, since AWS opens new regions. */
export function isRegion(value: string): boolean {
  return /^(?=.{1,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(value);
}

export function checkRegion(value: string, label: string): void {
  if (!isRegion(value)) {
    throw new UsageError(`${label}: ${showValue(value)} is not an AWS region, such as us-east-1`);
  }
}

export function checkTableName(value: string, label: string): void {
  if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(value)) {
    throw new UsageError(
      `${label}: ${showValue(value)} is not a table name, which has 3 to 255 of a-z, A-Z, 0-9, "_", "-" and "."`,
    );
  }
}

/**
 * Splits `HOST:PORT`. An IPv6 address stands in brackets there, and without them in the result.
 *
 * @throws UsageError
 */
export function splitAddress(address: string, label = "listen"): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  const [, bracketed, plain = "", digits] = match ?? [];
  const host = bracketed ?? plain;
  const isHost = bracketed === undefined ? isIP(host) === 4 || isHostName(host) : isIPv6(host);
  const port = Number(digits);
  if (match === null || !isHost || port > 65_535) {
    throw new UsageError(
      `${label}: ${showValue(address)} is not HOST:PORT, such as 127.0.0.1:50051, 0.0.0.0:50051 or [::1]:50051 (port 0 to 65535)`,
    );
  }
  return { host, port };
}

export function checkAddress(value: string, label: string): void {
  splitAddress(value, label);
}

function isHostName(host: string): boolean {
  return /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i.test(host);
}

export function checkEndpoint(value: string, label: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // Nothing with an @ is shown: what stands before it may be a secret.
  if (value.includes("@")) {
    throw new UsageError(
      `${label}: an endpoint holds no credentials; set accessKeyId and secretAccessKey, or leave them to the AWS chain`,
    );
  }
  if (url === undefined || !/^https?:\/\//i.test(value) || url.search !== "" || url.hash !== "") {
    throw new UsageError(
      `${label}: ${showValue(value)} is not an http:// or https:// URL, such as http://localhost:8000`,
    );
  }
}

/** Paths are shown when a file cannot be read. So what a file may hold is not taken for one: a key, a token, a JWT, JSON. */
export function checkPath(value: string, label: string): void {
  if (/[\p{Cc}\u2028\u2029]|-----BEGIN|^\s*[{[]|^dynakv_|^eyJ[\w-]+\.[\w-]+\./u.test(value)) {
    throw new UsageError(`${label}: is not a path; put the content in a file and give its path`);
  }
}

/** Returns true if it is the URL of a JWKS, and not the path of a file. */
export function isJwksUrl(jwks: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(jwks);
}

export function checkJwks(value: string, label: string): void {
  if (!isJwksUrl(value)) {
    checkPath(value, label);
    return;
  }
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "" || url.hash !== "") {
    // It is not shown: it may hold a secret.
    throw new UsageError(`${label}: is not a JWKS URL, such as https://login.example.com/.well-known/jwks.json`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new UsageError(`${label}: must be an https:// URL: keys that can be tampered with in transit let anyone in`);
  }
}

/** Returns true if what listens there is reached from this machine alone. Brackets of IPv6 may be there or not. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

export function checkOrigin(origin: string, label: string): void {
  // A star stands for the first labels of a host, and for nothing else.
  const sample = origin.replace(/^(https?:\/\/)\*\.(?=[^*]+$)/, "$1any.");
  if (origin !== "*" && !(!sample.includes("*") && URL.canParse(sample) && new URL(sample).origin === sample)) {
    throw new UsageError(
      `${label}: ${showValue(origin)} is not an origin, such as https://app.example.com or https://*.example.com (no path, no slash at its end), nor *`,
    );
  }
}

export function checkHost(host: string, label: string): void {
  if (!isHostName(host) && isIP(host) === 0) {
    throw new UsageError(`${label}: ${showValue(host)} is not a host name, such as dynakv.local (no port)`);
  }
}

export function checkHeaderName(name: string, label: string): void {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || name === "*") {
    throw new UsageError(`${label}: ${showValue(name)} is not a header name, such as baggage`);
  }
}

/** Splits a comma-separated list. */
export function splitList(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export function checkAttributeName(value: string, label: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > maxAttributeNameBytes) {
    throw new UsageError(`${label}: has ${bytes} bytes; an attribute's name has at most ${maxAttributeNameBytes}`);
  }
}
