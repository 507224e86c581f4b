import type { Logger } from "pino";
import type { Interceptor } from "../calls/pipeline.js";
import { createTlsAcceptor, type TlsAcceptor } from "../listener/tls.js";
import { knowsCallers } from "../settings/check-access.js";
import type { Settings } from "../settings/settings.js";
import type { Clock } from "../store/layout/entry.js";
import { createAuthentication } from "./authenticate.js";
import { createCertificates } from "./certificates.js";
import { createFailures } from "./failed-attempts.js";
import { createIdentify } from "./identify.js";
import { openJwts } from "./jwts.js";
import { everything, parsePolicy } from "./policy.js";
import { parseTls, type TlsMaterial, tlsPaths } from "./tls-files.js";
import { parseTokens } from "./tokens.js";
import { type WatchedFiles, type WatchedFilesOptions, watchFiles } from "./watched-files.js";

/** Access control by the settings. */
export interface Access {
  /** Undefined where everyone may do everything. */
  readonly interceptor: Interceptor | undefined;
  /** Undefined without TLS. */
  readonly tls: TlsAcceptor | undefined;
  /** Stops to watch files. */
  close(): void;
}

export interface AccessOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Hears that certificates of clients are judged by other authorities now: who was let in by the old ones is nobody any more. */
  readonly onNewAuthorities: () => void;
}

/**
 * Loads the files that say who may call, and loads them again whenever they change.
 *
 * @throws UsageError for a file that cannot be used
 */
export async function openAccess(
  settings: Settings,
  { logger, clock, onNewAuthorities }: AccessOptions,
): Promise<Access> {
  const failures = createFailures({ logger });
  const closers = [() => failures.close()];
  const close = () => {
    for (const each of closers) {
      each();
    }
  };

  async function watch<T>(name: string, path: string | undefined, parse: (text: string, label: string) => T) {
    return path === undefined
      ? undefined
      : watchAll({ name, paths: [path], load: ([text = ""]) => parse(text, `${name} ${path}`), logger });
  }

  async function watchAll<T>(options: WatchedFilesOptions<T>): Promise<WatchedFiles<T>> {
    const files = await watchFiles(options);
    closers.push(() => files.close());
    return files;
  }

  async function openTls(): Promise<TlsAcceptor | undefined> {
    const paths = tlsPaths(settings);
    if (paths === undefined) {
      return undefined;
    }
    const { tlsCert, tlsKey, tlsClientCa } = paths;
    const files = await watchAll({
      name: "TLS files",
      paths: [tlsCert, tlsKey, ...(tlsClientCa === undefined ? [] : [tlsClientCa])],
      load: (texts) => parseTls(texts, paths),
      onReload: (material) => {
        const isAsBefore = material.ca === authorities;
        authorities = material.ca;
        acceptor.use(toOptions(material));
        warnOfExpiry(material);
        if (!isAsBefore) {
          onNewAuthorities();
        }
      },
      logger,
    });
    let authorities = files.current.ca;
    const acceptor = createTlsAcceptor({
      material: toOptions(files.current),
      clientCertificate: tlsClientCa === undefined ? "never" : settings.tlsClientAuth,
      onFailure: failures.noteHandshake,
    });
    warnOfExpiry(files.current);
    return acceptor;
  }

  function warnOfExpiry({ certificate }: TlsMaterial): void {
    if (Date.parse(certificate.validTo) < clock()) {
      logger.warn(
        `tlsCert ${settings.tlsCert}: expired on ${certificate.validTo}; clients will not trust it, renew it`,
      );
    }
  }

  try {
    const tls = await openTls();
    const tokens = await watch("tokensFile", settings.tokensFile, parseTokens);
    const policy = await watch("policyFile", settings.policyFile, parsePolicy);
    const { jwks, jwtIssuer = "", jwtAudience = "", jwtClaim } = settings;
    const jwts =
      jwks === undefined
        ? undefined
        : await openJwts({ jwks, issuer: jwtIssuer, audience: jwtAudience, claim: jwtClaim, logger });
    if (jwts !== undefined) {
      closers.push(() => jwts.close());
    }
    const isKnown = knowsCallers(settings);
    const { introspection = isKnown ? "authenticated" : "open" } = settings;
    const identify = isKnown
      ? createIdentify({
          tokens: tokens && (() => tokens.current),
          jwts,
          certificates:
            tls === undefined || settings.tlsClientCa === undefined ? undefined : createCertificates(tls.isJudged),
          clock,
        })
      : undefined;
    const interceptor =
      identify === undefined && introspection === "open"
        ? undefined
        : createAuthentication({ identify, policy: () => policy?.current ?? everything, failures, introspection });
    return { interceptor, tls, close };
  } catch (error) {
    close();
    throw error;
  }
}

function toOptions({ cert, key, ca }: TlsMaterial) {
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}
