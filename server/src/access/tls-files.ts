import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { UsageError } from "../../../common/command-line/usage-error.js";
import type { Settings } from "../settings/settings.js";

/** The server's TLS files, in PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** The server's own certificate, the first of the chain. */
  readonly certificate: X509Certificate;
}

/** The settings that name files of TLS. */
export interface TlsPaths {
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsClientCa: string | undefined;
}

/** In the order in which {@link parseTls} takes their texts. Undefined without TLS. */
export function tlsPaths({ tlsCert, tlsKey, tlsClientCa }: Settings): TlsPaths | undefined {
  return tlsCert === undefined || tlsKey === undefined ? undefined : { tlsCert, tlsKey, tlsClientCa };
}

/**
 * Reads what the files of TLS hold, and makes sure that a connection can be made with it.
 *
 * @throws UsageError one that quotes nothing of the files
 */
export function parseTls([cert = "", key = "", ca]: readonly string[], paths: TlsPaths): TlsMaterial {
  const certLabel = `tlsCert ${paths.tlsCert}`;
  const keyLabel = `tlsKey ${paths.tlsKey}`;
  const [certificate] = parseCertificates(cert, certLabel);
  if (!certificate.checkPrivateKey(parseKey(key, keyLabel))) {
    throw new UsageError(`${keyLabel}: is not the key of the certificate in ${paths.tlsCert}`);
  }
  if (ca !== undefined) {
    parseCertificates(ca, `tlsClientCa ${paths.tlsClientCa}`);
  }
  try {
    createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new UsageError(`${certLabel}: TLS does not take it${code}; is the key too short, or the chain broken?`);
  }
  return { cert, key, ca, certificate };
}

/** All certificates of a PEM file, of which there must be one. */
export function parseCertificates(text: string, label: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const [first, ...others] = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new UsageError(`${label}: certificate ${index + 1} of ${blocks.length} cannot be read`);
    }
  });
  if (first === undefined) {
    throw new UsageError(`${label}: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`);
  }
  return [first, ...others];
}

function parseKey(text: string, label: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    const why = /ENCRYPTED/.test(text)
      ? "is encrypted; it has to be without a passphrase"
      : "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)";
    throw new UsageError(`${label}: ${why}`);
  }
}
