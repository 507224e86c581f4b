import { isIP, isIPv6 } from "node:net";
import { suggestName } from "../../../common/command-line/suggest-name.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { checkSetting } from "./check-setting.js";
import type { Settings } from "./settings.js";
import { isRegion, showValue } from "./text-checks.js";

/** A parsed connection URL. */
export interface ConnectionUrl {
  /** The settings that it names, and no others. */
  readonly settings: Partial<Pick<Settings, UrlSetting>>;
  /** Warnings for the operator. */
  readonly warnings: readonly string[];
}

type UrlSetting =
  | "accessKeyId"
  | "secretAccessKey"
  | "region"
  | "endpoint"
  | "table"
  | "readCapacity"
  | "writeCapacity"
  | "ttlSeconds";

/** The region of requests to a local engine, which must be signed for some region. Celery takes the same. */
const localRegion = "us-east-1";

const parameters = { read: "readCapacity", write: "writeCapacity", ttl_seconds: "ttlSeconds" } as const;

/**
 * Reads `dynamodb://[access_key_id:secret@]region[:port][/table][?read=n&write=n&ttl_seconds=n]`, the URL by which Celery
 * finds its table (celery/backends/dynamodb.py, kombu/utils/url.py). Key, secret and table may be percent-encoded; a `/`,
 * `?` or `#` in a secret must be. The secret runs to the last `@`.
 *
 * It differs from Celery where that drops or garbles what was written: an IPv6 endpoint keeps its brackets, a local host
 * needs a port (Celery calls port "None"), and unknown, repeated or empty parameters, a fragment, and names that AWS
 * would refuse are errors. A port beside a region is ignored, as in Celery, but with a warning.
 *
 * @throws UsageError one that names the part, and never holds the secret, nor any part that might be a piece of it
 */
export function parseConnectionUrl(url: string): ConnectionUrl {
  const [, scheme, authority = "", path = "", query, fragment] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(url) ?? [];
  if (scheme?.toLowerCase() !== "dynamodb") {
    throw wrongPart("scheme", `must be dynamodb://${scheme === undefined ? "" : `, not ${scheme}://`}`);
  }
  // Before anything of it is shown: an @ this late means that what looks like a port or a table is part of a secret.
  if (`${path}${query ?? ""}${fragment ?? ""}`.includes("@")) {
    throw wrongPart("secret", 'has a "/", "?" or "#", which must be written as %2F, %3F or %23');
  }
  if (fragment !== undefined) {
    throw wrongPart("fragment", 'is not allowed (a "#" in the secret or the table is written as %23)');
  }
  const at = authority.lastIndexOf("@");
  const place = parsePlace(authority.slice(at + 1));
  const table = parseTable(path);
  return {
    settings: {
      ...(at === -1 ? {} : parseCredentials(authority.slice(0, at))),
      ...place.settings,
      ...(table === undefined ? {} : { table }),
      ...parseParameters(query ?? ""),
    },
    warnings: place.warnings,
  };
}

function parseCredentials(userinfo: string): ConnectionUrl["settings"] {
  const [, key = "", secret = ""] = /^([^:]*):?(.*)$/s.exec(userinfo) ?? [];
  if (key === "" && secret === "") {
    return {};
  }
  if (secret === "") {
    throw wrongPart("secret", "is missing beside the access key ID: write KEY:SECRET@, or leave out both");
  }
  if (key === "") {
    throw wrongPart("access key ID", "is missing beside the secret: write KEY:SECRET@, or leave out both");
  }
  return { accessKeyId: decode("access key ID", key), secretAccessKey: decode("secret", secret) };
}

function parsePlace(place: string): ConnectionUrl {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(place);
  if (match === null) {
    throw wrongPart("host", "is not a region, localhost or an IP address; an IPv6 address needs brackets: [::1]:8000");
  }
  const [, rawHost = "", rawPort] = match;
  const host = decode("host", rawHost).toLowerCase();
  const port = rawPort === undefined ? undefined : parsePort(rawPort);
  if (isLocal(host)) {
    if (port === undefined) {
      throw wrongPart("port", `is missing after ${host}: write ${host}:8000, or another`);
    }
    const endpoint = `http://${host}:${port}`;
    return {
      settings: { endpoint, region: localRegion },
      warnings: [`using the local endpoint ${endpoint}, as the connection URL says, and not AWS`],
    };
  }
  if (host === "") {
    if (port !== undefined) {
      throw wrongPart("host", "is missing before the port");
    }
    return { settings: {}, warnings: [] };
  }
  if (!isRegion(host)) {
    // It is not shown: without its @, a key and a secret would stand here.
    throw wrongPart(
      "host",
      "is not a region (such as us-east-1), localhost or an IP address; set the endpoint of any other host beside the URL",
    );
  }
  return {
    settings: { region: host },
    warnings:
      port === undefined
        ? []
        : [
            `the port of the connection URL is ignored, as in Celery: its host is taken for the region ${host}; for an endpoint of that name set endpoint to http://${host}:${port}`,
          ],
  };
}

function isLocal(host: string): boolean {
  return host === "localhost" || isIP(host) === 4 || (host.startsWith("[") && isIPv6(host.slice(1, -1)));
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    // It is not shown: where an @ was forgotten, this is the secret.
    throw wrongPart("port", "is not an integer from 1 to 65535 (credentials end with an @: KEY:SECRET@region)");
  }
  return port;
}

function parseTable(path: string): string | undefined {
  if (path === "" || path === "/") {
    return undefined;
  }
  const table = decode("table", path.slice(1));
  if (path.lastIndexOf("/") > 0) {
    throw wrongPart("path", `has more than the table's name: ${showValue(path)}`);
  }
  checkSetting("table", table, partLabel("table"));
  return table;
}

function parseParameters(query: string): ConnectionUrl["settings"] {
  const found = new Map<string, number>();
  for (const [name, value] of new URLSearchParams(query)) {
    const setting = parameterSetting(name);
    if (setting === undefined) {
      const known = Object.keys(parameters);
      const shown = /^[\w.-]{1,24}$/.test(name) ? ` ${name}` : "";
      throw new UsageError(
        `connection URL: unknown parameter${shown}, there are ${known.join(", ")}${suggestName(name, known)}`,
      );
    }
    if (found.has(setting)) {
      throw wrongPart(`parameter ${name}`, "is given more than once");
    }
    if (!/^-?\d+$/.test(value)) {
      throw wrongPart(`parameter ${name}`, `is not an integer: ${showValue(value)}`);
    }
    checkSetting(setting, Number(value), partLabel(`parameter ${name}`));
    found.set(setting, Number(value));
  }
  return Object.fromEntries(found);
}

function parameterSetting(name: string) {
  return Object.hasOwn(parameters, name) ? parameters[name as keyof typeof parameters] : undefined;
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrongPart(part, 'is not percent-encoded UTF-8 (a "%" by itself is written as %25)');
  }
}

function partLabel(part: string): string {
  return `connection URL: the ${part}`;
}

function wrongPart(part: string, problem: string): UsageError {
  return new UsageError(`${partLabel(part)} ${problem}`);
}
