import type { CryptoKey, JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { Identity } from "./identity.js";
import { openKeySet } from "./jwks.js";

export interface JwtOptions {
  /** The path or URL of the keys. */
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
  /** The claim that names the caller: a text, or a list of them. */
  readonly claim: string;
  readonly logger: Logger;
}

/** Tells callers by JWTs. */
export interface Jwts {
  /** The identity of a JWT; undefined for an invalid one. A promise for one not seen before. */
  find(token: string, digest: Buffer, nowMs: number): Identity | undefined | Promise<Identity | undefined>;
  close(): void;
}

/** Signatures that only the holder of a private key can make. With a shared secret, whoever can check one can make one. */
export const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Tolerated clock skew. */
const clockToleranceSeconds = 10;

/** Number of JWTs that are remembered: as many callers as that are known without their signature being checked again. */
const maxRemembered = 10_000;

/** Concurrent verifications. Each costs a tenth of a millisecond of a core, or a wait for keys. */
const maxChecking = 1000;

interface Remembered {
  readonly identity: Identity;
  readonly untilMs: number;
}

/** @throws UsageError when the file of keys cannot be used */
export async function openJwts(options: JwtOptions): Promise<Jwts> {
  const { jwks, issuer, audience, claim, logger } = options;
  // Loaded for those alone who want it.
  const jose = await import("jose");
  const remembered = new Map<string, Remembered>();
  const checking = new Map<string, Promise<Identity | undefined>>();
  const keys = await openKeySet({ jwks, jose, logger, onChange: () => remembered.clear() });

  async function verify(token: string, find: JWTVerifyGetKey, nowMs: number) {
    const verifyBy = (key: JWTVerifyGetKey | CryptoKey) =>
      jose.jwtVerify(token, key as JWTVerifyGetKey, {
        algorithms,
        issuer,
        audience,
        requiredClaims: ["exp"],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(nowMs),
      });
    try {
      return (await verifyBy(find)).payload;
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) {
        throw error;
      }
      // It names no key, and several are of its kind: any of them may have signed it.
      for await (const key of error) {
        const verified = await verifyBy(key).catch((failure: unknown) => {
          if (!(failure instanceof jose.errors.JWSSignatureVerificationFailed)) {
            throw failure;
          }
          return undefined;
        });
        if (verified !== undefined) {
          return verified.payload;
        }
      }
      throw error;
    }
  }

  async function check(token: string, hash: string, nowMs: number): Promise<Identity | undefined> {
    try {
      const { find, version } = keys;
      const payload = await verify(token, find, nowMs);
      const identity = toIdentity(payload[claim]);
      // Not by keys that have changed meanwhile.
      if (identity !== undefined && version !== undefined && version === keys.version) {
        remember(hash, { identity, untilMs: (Number(payload.exp) + clockToleranceSeconds) * 1000 });
      }
      return identity;
    } catch {
      // Whatever is wrong with it: its caller is not told, and a message could quote it.
      return undefined;
    } finally {
      checking.delete(hash);
    }
  }

  function remember(hash: string, found: Remembered): void {
    for (const oldest of remembered.keys()) {
      if (remembered.size < maxRemembered) {
        break;
      }
      remembered.delete(oldest);
    }
    remembered.set(hash, found);
  }

  return {
    find(token, digest, nowMs) {
      const hash = digest.toString("latin1");
      const known = remembered.get(hash);
      if (known !== undefined) {
        return nowMs < known.untilMs ? known.identity : undefined;
      }
      const under = checking.get(hash);
      if (under !== undefined) {
        return under;
      }
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
        return undefined;
      }
      if (checking.size >= maxChecking) {
        throw new DynakvError(ErrorReason.OVERLOADED, "too many tokens are being verified", {
          retryAfterMs: 1000,
          counted: true,
        });
      }
      const found = check(token, hash, nowMs);
      checking.set(hash, found);
      return found;
    },
    close: () => keys.close(),
  };
}

function toIdentity(claim: unknown): Identity | undefined {
  const [first, ...others] = (Array.isArray(claim) ? claim : [claim]).filter(
    (name: unknown): name is string => typeof name === "string" && name !== "",
  );
  const toName = (name: string) => `jwt:${name}`;
  return first === undefined ? undefined : { names: [toName(first), ...others.map(toName)] };
}
