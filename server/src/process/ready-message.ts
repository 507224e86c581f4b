import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { defaultAddress } from "../../../common/default-address.js";
import { version } from "../../../common/version.js";
import { consolePath } from "../calls/console/console.js";
import type { StartedServer } from "../server-options.js";
import type { Settings } from "../settings/settings.js";
import { isInstalled, isStartedByNpm } from "./npm.js";

export interface ReadyOptions {
  /** True if a person is likely to read it, who may want to try the server, and to stop it. */
  readonly isWatched: boolean;
}

/** Ready message on stdout. Its first line is for scripts too, which look for `listening on URL`. */
export function renderReady(
  settings: Settings,
  { url, embedded, hasConsole }: StartedServer,
  { isWatched }: ReadyOptions = { isWatched: process.stdout.isTTY === true || isStartedByNpm(process.env) },
): string {
  const { data, endpoint, region, table } = settings;
  const backend = embedded
    ? `embedded engine, data in ${data}`
    : `DynamoDB ${endpoint === undefined ? `in ${region ?? "the region of the AWS chain"}` : `at ${endpoint}`}, table ${table}`;
  const first = `dynakv ${version} listening on ${url} (${backend})\n`;
  // One can listen on all addresses, but call only one.
  const callable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const consoleLine = hasConsole ? `Console: ${callable}${consolePath}\n` : "";
  if (!isWatched) {
    return `${first}${consoleLine}${renderCurl(settings, callable)}\n`;
  }
  const examples = [
    // Nothing is written to a table that others may use.
    ...(embedded ? renderCommand(settings, callable, "set hello world") : []),
    ...renderCommand(settings, callable, "get hello"),
    renderCurl(settings, callable),
  ];
  return `${first}${consoleLine}
${examples.map((line) => `  ${line}\n`).join("")}
Ctrl-C, or kill ${process.pid}, stops it gracefully.
`;
}

/** Credentials that a caller needs. */
function callerNeeds({ tlsClientCa, tlsClientAuth, tokensFile, jwks }: Settings) {
  const token = tokensFile !== undefined || jwks !== undefined;
  return { token, certificate: tlsClientCa !== undefined && (!token || tlsClientAuth === "required") };
}

/** A command line that can be copied: what only the caller has stands there in capitals. None where the certificate is for another host. */
function renderCommand(settings: Settings, url: string, command: string): string[] {
  const { tlsCert } = settings;
  const needs = callerNeeds(settings);
  if (tlsCert !== undefined && serverName(tlsCert, url).length > 0) {
    return [];
  }
  const words = [
    isInstalled("dynakv") ? "npx dynakv" : "dynakv",
    command,
    ...(url === defaultAddress ? [] : [`--address ${url}`]),
    // A certificate vouches for itself, whoever has issued it.
    ...(tlsCert === undefined ? [] : [`--ca ${quote(tlsCert)}`]),
    ...(needs.certificate ? ["--cert CERT.pem --key KEY.pem"] : []),
    ...(needs.token ? ["--token-file TOKEN.txt"] : []),
  ];
  return [words.join(" ")];
}

/** The same for curl, by reflection where there is any: without it buf curl would need the schema. */
function renderCurl(settings: Settings, url: string): string {
  const { tlsCert, introspection } = settings;
  const needs = callerNeeds(settings);
  const isDescribed = introspection !== "off";
  const buf = isInstalled("buf") ? "npx buf" : "buf";
  return [
    isDescribed ? `${buf} curl` : "curl -H 'content-type: application/json'",
    ...(tlsCert === undefined ? [] : [`--cacert ${quote(tlsCert)}`]),
    ...(tlsCert === undefined || !isDescribed ? [] : serverName(tlsCert, url)),
    ...(needs.certificate ? ["--cert CERT.pem --key KEY.pem"] : []),
    ...(needs.token ? ["-H 'authorization: Bearer TOKEN'"] : []),
    ...(needs.token && isDescribed && introspection !== "open" ? ["--reflect --reflect-header '*'"] : []),
    `-d '{"key":"hello"}' ${url}/dynakv.v1.KeyValueService/Get`,
  ].join(" ");
}

/** Names the host that a certificate is for, where it is called by another, such as 127.0.0.1. */
function serverName(tlsCert: string, url: string): string[] {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const certificate = readCertificate(tlsCert);
  const [, name] = /(?:^|, )DNS:([\w.-]+)/.exec(certificate?.subjectAltName ?? "") ?? [];
  return certificate === undefined ||
    name === undefined ||
    (certificate.checkIP(host) ?? certificate.checkHost(host)) !== undefined
    ? []
    : [`--servername ${name}`];
}

/** Undefined for a file that is being exchanged since the server has loaded it. */
function readCertificate(path: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
