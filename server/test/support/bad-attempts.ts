import { exportSPKI, generateKeyPair, UnsecuredJWT } from "jose";
import { createAuthority, createSelfSigned, type TestCertificate } from "./certificates.js";
import { audience, type GuardedServers, issuer } from "./guarded-servers.js";

const hourMs = 3_600_000;

/** How a caller says who it is. */
export interface Attempt {
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly certificate?: TestCertificate;
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** For a call over TLS with no certificate of the client's. */
export const overTls: TestCertificate = {} as TestCertificate;

/** What somebody may come with who has no good token, and no good certificate. */
export async function badAttempts(servers: GuardedServers): Promise<Record<string, Attempt>> {
  const token = servers.token("orders");
  const other = await generateKeyPair("ES256");
  const seconds = Math.floor(Date.now() / 1000);
  const spki = await exportSPKI(servers.publicKey);
  const [head = "", payload = "", signature = ""] = (await servers.jwt()).split(".");
  const forged = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: "bob" }),
  );
  const unsigned = new UnsecuredJWT({ sub: "alice" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(seconds + 600)
    .encode();
  const headers: Record<string, Record<string, string>> = {
    "no token": {},
    "a wrong token": bearer(`dynakv_${"A".repeat(43)}`),
    "a token with another letter": bearer(`${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`),
    "a token and more": bearer(`${token}A`),
    "the hash of a token": bearer(servers.entries[0]?.sha256 ?? ""),
    "an expired token": bearer(servers.token("expired")),
    "a scheme without a token": { authorization: "Bearer" },
    "an empty token": { authorization: "Bearer " },
    "two tokens": bearer(`${token}, Bearer ${token}`),
    "a token without a scheme": { authorization: token },
    "another scheme": { authorization: `Basic ${Buffer.from(`orders:${token}`).toString("base64")}` },
    "a scheme that begins like the right one": { authorization: `BearerX ${token}` },
    "a token that is endless": bearer("x".repeat(9000)),
    "a token in another header": { "x-api-key": token, token, cookie: `authorization=Bearer ${token}` },
    "a JWT without a signature": bearer(unsigned),
    "a JWT whose algorithm is none": bearer(`${unsigned}${signature}`),
    "a JWT with another payload": bearer([head, forged.toString("base64url"), signature].join(".")),
    "a JWT of another key": bearer(await servers.jwt({}, {}, other.privateKey)),
    "a JWT of a key that is not known": bearer(await servers.jwt({}, { kid: "key-2" }, other.privateKey)),
    "a JWT signed with the public key as a secret": bearer(
      await servers.jwt({}, { alg: "HS256" }, new TextEncoder().encode(spki)),
    ),
    "a JWT for another audience": bearer(await servers.jwt({ aud: "another" })),
    "a JWT for nobody": bearer(await servers.jwt({ aud: undefined as never })),
    "a JWT of another issuer": bearer(await servers.jwt({ iss: `${issuer}/` })),
    "a JWT that has expired": bearer(await servers.jwt({ exp: seconds - 60 })),
    "a JWT that never expires": bearer(await servers.jwt({ exp: undefined as never })),
    "a JWT that is not valid yet": bearer(await servers.jwt({ nbf: seconds + 300 })),
    "a JWT that names nobody": bearer(await servers.jwt({ sub: undefined as never })),
    "a JWT whose name is no text": bearer(await servers.jwt({ sub: 7 as never })),
  };
  const elsewhere = await createAuthority("another authority");
  const good = await servers.authority.issue({ name: "billing" });
  const certificates: Record<string, TestCertificate> = {
    "no certificate": overTls,
    "a certificate of another authority": await elsewhere.issue({ name: "billing" }),
    "a certificate that it signed itself": await createSelfSigned({ name: "billing" }),
    "an expired certificate": await servers.authority.issue({
      name: "billing",
      validTo: new Date(Date.now() - hourMs),
    }),
    "a certificate of tomorrow": await servers.authority.issue({
      name: "billing",
      validFrom: new Date(Date.now() + hourMs),
    }),
    "a certificate without a name": await servers.authority.issue({
      name: "billing",
      alternatives: [{ type: "dns", value: 'a", DNS:billing.internal' }],
    }),
  };
  return {
    ...Object.fromEntries(Object.entries(headers).map(([name, headers]) => [name, { headers }])),
    ...Object.fromEntries(
      Object.entries(headers).map(([name, headers]) => [`${name}, over TLS`, { headers, certificate: overTls }]),
    ),
    "a token in the URL": { query: `?access_token=${token}&token=${token}&authorization=Bearer%20${token}` },
    ...Object.fromEntries(Object.entries(certificates).map(([name, certificate]) => [name, { certificate }])),
    ...Object.fromEntries(
      // Also what is no token by its form. A value with a space at its end is not among them: Node's HTTP/2 drops the header.
      ["Bearer wrong", "Bearer", "Basic YTpi", "wrong", "", "Bearer a b", `Bearer ${"x".repeat(9000)}`].map(
        (authorization) => [
          `a good certificate beside '${authorization.slice(0, 20)}'`,
          { headers: { authorization }, certificate: good },
        ],
      ),
    ),
  };
}
