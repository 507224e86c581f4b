import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { version } from "../../../common/version.js";
import type { StartedServer } from "../server.js";
import type { Settings } from "../settings/settings.js";

/** What stands on stdout once calls are taken. Its first line is for scripts too: they look for `listening on URL`. */
export function renderReady(settings: Settings, { url, embedded }: StartedServer): string {
  const { data, endpoint, region, table } = settings;
  const backend = embedded
    ? `embedded engine, data in ${data}`
    : `DynamoDB ${endpoint === undefined ? `in ${region ?? "the region of the AWS chain"}` : `at ${endpoint}`}, table ${table}`;
  return `dynakv ${version} listening on ${url} (${backend})
${renderExample(settings, url)}
`;
}

/** A command that can be copied: what only the caller has stands there in capitals. */
function renderExample(settings: Settings, url: string): string {
  const { tlsCert, tlsClientCa, tlsClientAuth, tokensFile, jwks, introspection } = settings;
  // One can listen on all addresses, but call only one.
  const callable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const needsToken = tokensFile !== undefined || jwks !== undefined;
  const needsCertificate = tlsClientCa !== undefined && (!needsToken || tlsClientAuth === "required");
  // Without reflection buf curl would need the schema.
  const isDescribed = introspection !== "off";
  return [
    isDescribed ? "npx buf curl" : "curl -H 'content-type: application/json'",
    // A certificate vouches for itself, whoever has issued it.
    ...(tlsCert === undefined ? [] : [`--cacert ${quote(tlsCert)}`]),
    ...(tlsCert === undefined || !isDescribed ? [] : serverName(tlsCert, callable)),
    ...(needsCertificate ? ["--cert CERT.pem --key KEY.pem"] : []),
    ...(needsToken ? ["-H 'authorization: Bearer TOKEN'"] : []),
    ...(needsToken && isDescribed && introspection !== "open" ? ["--reflect --reflect-header '*'"] : []),
    `-d '{"key":"hello"}' ${callable}/dynakv.v1.KeyValueService/Get`,
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
