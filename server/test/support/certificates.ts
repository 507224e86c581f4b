// The library that makes certificates wants it to be there first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;

/** A certificate and its key, in PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** The common name of its subject. */
  readonly name: string;
  /** What else it is issued for, such as `{ type: "dns", value: "a.example" }`. */
  readonly alternatives?: JsonGeneralNames;
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

/** An authority that issues certificates for a test. */
export interface TestAuthority extends TestCertificate {
  issue(options: CertificateOptions): Promise<TestCertificate>;
  /** For 127.0.0.1 and localhost. */
  issueServer(options?: Partial<CertificateOptions>): Promise<TestCertificate>;
}

export async function createAuthority(name: string): Promise<TestAuthority> {
  const keys = await generateKeys();
  const own = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity({}),
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });

  async function issue(options: CertificateOptions): Promise<TestCertificate> {
    const { publicKey, privateKey } = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${options.name}`,
      issuer: own.subject,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(options),
      extensions: extensionsOf(options),
    });
    return toPem(certificate, privateKey);
  }

  return {
    ...(await toPem(own, keys.privateKey)),
    issue,
    issueServer: (options = {}) =>
      issue({
        name: "dynakv",
        alternatives: [
          { type: "ip", value: "127.0.0.1" },
          { type: "dns", value: "localhost" },
        ],
        ...options,
      }),
  };
}

/** A certificate that nobody but its holder vouches for. */
export async function createSelfSigned(options: CertificateOptions): Promise<TestCertificate> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${options.name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity(options),
    extensions: extensionsOf(options),
  });
  return toPem(certificate, keys.privateKey);
}

function generateKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function validity({ validFrom, validTo }: Partial<CertificateOptions>) {
  return {
    notBefore: validFrom ?? new Date(Date.now() - dayMs),
    notAfter: validTo ?? new Date(Date.now() + dayMs),
  };
}

function extensionsOf({ alternatives }: CertificateOptions) {
  return [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    ...(alternatives === undefined ? [] : [new SubjectAlternativeNameExtension(alternatives)]),
  ];
}

async function toPem(certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<TestCertificate> {
  const encoded = await webcrypto.subtle.exportKey("pkcs8", key);
  return { cert: `${certificate.toString("pem")}\n`, key: `${PemConverter.encode(encoded, "PRIVATE KEY")}\n` };
}
