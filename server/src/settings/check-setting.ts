import { isIP, isIPv6 } from "node:net";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { type SettingDefinition, type Settings, settingDefinitions } from "./settings.js";

/** What DynamoDB accepts as the name of an attribute, in bytes. */
const maxAttributeNameBytes = 255;

const definitions = new Map(settingDefinitions.map((definition) => [definition.name, definition]));

/**
 * Checks one value of one setting by itself, wherever it comes from.
 *
 * @param label what the error calls it, such as `--ttl-seconds`
 * @throws UsageError
 */
export function checkSetting(name: keyof Settings, value: unknown, label: string): void {
  const definition = definitions.get(name);
  if (definition === undefined) {
    throw new UsageError(`${label}: there is no such setting`);
  }
  checkType(definition, value, label);
  if (typeof value === "string") {
    checkText(name, value, label);
  }
}

function checkType({ type, range, secret }: SettingDefinition, value: unknown, label: string): void {
  const shown = secret ? hidden : showValue(value);
  if (typeof type !== "string") {
    if (typeof value !== "string" || !type.includes(value)) {
      throw new UsageError(`${label}: ${shown} is none of ${type.join(", ")}`);
    }
    return;
  }
  if (type === "integer") {
    if (!Number.isSafeInteger(value)) {
      throw new UsageError(`${label}: ${shown} is not an integer`);
    }
    if (range !== undefined && (Number(value) < range[0] || Number(value) > range[1])) {
      throw new UsageError(`${label}: ${value} is out of range, which is ${range[0]} to ${range[1]}`);
    }
    return;
  }
  if (typeof value !== type) {
    const wanted = type === "boolean" ? "true or false" : "a string";
    throw new UsageError(`${label}: ${shown} is not ${wanted}`);
  }
}

const hidden = "what was given";

/** The longest number, word or region, and some more. */
const maxShown = 24;

/** A value that is wrong. What is longer than most that are right is not shown: it may be a secret that was meant for another setting. */
export function showValue(value: unknown): string {
  // A program may give a bigint, which has no JSON.
  const shown = (typeof value === "bigint" ? `${value}n` : JSON.stringify(value)) ?? typeof value;
  return shown.length > maxShown ? hidden : shown;
}

function checkText(name: keyof Settings, value: string, label: string): void {
  if (value === "" && name !== "allowedHosts" && name !== "corsOrigins" && name !== "corsHeaders") {
    throw new UsageError(`${label}: is empty; leave it out instead`);
  }
  switch (name) {
    case "listen":
    case "adminListen":
      splitAddress(value, label);
      return;
    case "endpoint":
      checkEndpoint(value, label);
      return;
    case "table":
      if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(value)) {
        throw new UsageError(
          `${label}: ${showValue(value)} is not a table name, which has 3 to 255 of a-z, A-Z, 0-9, "_", "-" and "."`,
        );
      }
      return;
    case "region":
      if (!isRegion(value)) {
        throw new UsageError(`${label}: ${showValue(value)} is not an AWS region, such as us-east-1`);
      }
      return;
    case "corsOrigins":
      checkOrigins(value, label);
      return;
    case "allowedHosts":
      checkHosts(value, label);
      return;
    case "corsHeaders":
      checkHeaderNames(value, label);
      return;
    case "jwks":
      checkJwks(value, label);
      return;
    case "data":
    case "tlsCert":
    case "tlsKey":
    case "tlsClientCa":
    case "tokensFile":
    case "policyFile":
      checkPath(value, label);
      return;
    case "keyAttribute":
    case "valueAttribute":
    case "counterAttribute":
    case "writeTimeAttribute":
    case "expiryAttribute":
    case "etagAttribute":
    case "requestsAttribute":
    case "membersAttribute":
    case "exactExpiryAttribute":
      checkAttributeName(value, label);
      return;
  }
}

/** Whether DynamoDB's host names could have it. Any name of that form is taken, since AWS opens new regions. */
export function isRegion(value: string): boolean {
  return /^(?=.{1,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(value);
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

function isHostName(host: string): boolean {
  return /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i.test(host);
}

function checkEndpoint(value: string, label: string): void {
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
function checkPath(value: string, label: string): void {
  if (/[\p{Cc}\u2028\u2029]|-----BEGIN|^\s*[{[]|^dynakv_|^eyJ[\w-]+\.[\w-]+\./u.test(value)) {
    throw new UsageError(`${label}: is no path; give the path of a file with what was given`);
  }
}

/** Whether it is the URL of a JWKS, and not the path of a file. */
export function isJwksUrl(jwks: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(jwks);
}

function checkJwks(value: string, label: string): void {
  if (!isJwksUrl(value)) {
    checkPath(value, label);
    return;
  }
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "" || url.hash !== "") {
    // It is not shown: it may hold a secret.
    throw new UsageError(`${label}: is no URL of a JWKS, such as https://login.example.com/.well-known/jwks.json`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new UsageError(
      `${label}: must be an https:// URL: whoever can change the keys on their way may call as anyone`,
    );
  }
}

/** Whether what listens there is reached from this machine alone. Brackets of IPv6 may be there or not. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

function checkOrigins(value: string, label: string): void {
  for (const origin of splitList(value)) {
    // A star stands for the first labels of a host, and for nothing else.
    const sample = origin.replace(/^(https?:\/\/)\*\.(?=[^*]+$)/, "$1any.");
    if (origin !== "*" && !(!sample.includes("*") && URL.canParse(sample) && new URL(sample).origin === sample)) {
      throw new UsageError(
        `${label}: ${showValue(origin)} is not an origin, such as https://app.example.com or https://*.example.com (no path, no slash at its end), nor *`,
      );
    }
  }
}

function checkHosts(value: string, label: string): void {
  for (const host of splitList(value)) {
    if (!isHostName(host) && isIP(host) === 0) {
      throw new UsageError(`${label}: ${showValue(host)} is not the name of a host, such as dynakv.local (no port)`);
    }
  }
}

function checkHeaderNames(value: string, label: string): void {
  for (const name of splitList(value)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || name === "*") {
      throw new UsageError(`${label}: ${showValue(name)} is not the name of a header, such as baggage`);
    }
  }
}

/** What stands between the commas of a list. */
export function splitList(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function checkAttributeName(value: string, label: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > maxAttributeNameBytes) {
    throw new UsageError(`${label}: has ${bytes} bytes; an attribute's name has at most ${maxAttributeNameBytes}`);
  }
}
