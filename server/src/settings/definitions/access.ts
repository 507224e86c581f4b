import { checkHeaderName, checkHost, checkJwks, checkOrigin } from "../text-checks.js";
import { type Definition, file, list } from "./definition.js";

/** Who may call, from where, and how they are known. */
export const accessDefinitions = {
  tlsCert: { ...file, help: "certificate chain of the server, PEM; unset: no TLS" },
  tlsKey: { ...file, help: "key of the certificate, PEM without a passphrase" },
  tlsClientCa: { ...file, help: "CAs of client certificates, PEM; unset: none is requested" },
  tlsClientAuth: {
    type: ["optional", "required"],
    default: "optional",
    help: "whether a client certificate is required; without one, an optional connection may check health and use a token",
  },
  tokensFile: { ...file, help: "bearer tokens, as hashes, JSON; see `dynakv token new`" },
  jwks: {
    type: "string",
    placeholder: "FILE|URL",
    check: checkJwks,
    help: "JWKS that verifies JWTs: a file, or an https:// URL",
  },
  jwtIssuer: { type: "string", placeholder: "ISSUER", help: "required iss of a JWT; goes with jwks" },
  jwtAudience: { type: "string", placeholder: "AUDIENCE", help: "required aud of a JWT; goes with jwks" },
  jwtClaim: { type: "string", default: "sub", placeholder: "NAME", help: "claim of a JWT that identifies its caller" },
  policyFile: { ...file, help: "access policy, JSON; unset: every authenticated caller may do everything" },
  introspection: {
    type: ["open", "authenticated", "off"],
    help: "access to reflection and InfoService; unset: authenticated if callers are authenticated, else open",
  },
  allowAnyoneOnTheNetwork: {
    type: "boolean",
    default: false,
    help: "allow unauthenticated callers on a non-loopback address",
  },
  allowPlaintextOnTheNetwork: {
    type: "boolean",
    default: false,
    help: "allow tokens without TLS on a non-loopback address, such as behind a proxy that terminates TLS",
  },
  allowedHosts: {
    ...list,
    placeholder: "NAMES",
    check: checkHost,
    help: "further Host names accepted by an unauthenticated server on loopback, comma-separated",
  },
  corsOrigins: {
    ...list,
    placeholder: "ORIGINS",
    check: checkOrigin,
    help: "CORS origins, comma-separated, such as https://*.app.example; * for any; loopback origins are always allowed",
  },
  corsHeaders: {
    ...list,
    placeholder: "NAMES",
    check: checkHeaderName,
    help: "further CORS request headers, comma-separated, such as baggage,sentry-trace",
  },
  corsCredentials: {
    type: "boolean",
    default: false,
    help: "CORS requests with cookies and client certificates; not with * among the origins",
  },
} as const satisfies Record<string, Definition>;
