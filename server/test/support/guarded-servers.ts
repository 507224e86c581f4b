import type { webcrypto } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { pino } from "pino";
import { createToken, type TokenEntry } from "../../src/access/tokens.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { createServer, type Server, type ServerOptions } from "../../src/index.js";
import { createAuthority, type TestAuthority } from "./certificates.js";
import { startTestEngine, uniqueTableName } from "./engine.js";
import { countResources, waitForNoLeaks } from "./leaks.js";
import { isOwnProbe } from "./own-probe.js";

export const issuer = "https://login.example.com";
export const audience = "dynakv-test";

/** Servers that want to know who calls, one with TLS and one without, and all that their callers may have. */
export interface GuardedServers {
  readonly plain: string;
  readonly secure: string;
  readonly authority: TestAuthority;
  /** The operations on items that reached the table since the last `forget`. */
  reached(): string[];
  forget(): void;
  /** What the servers have logged. */
  readonly log: readonly Record<string, unknown>[];
  /** A token that the file lists from the start. */
  token(name: string): string;
  /** A JWT; what is given replaces the claims of one that is good. */
  jwt(claims?: JWTPayload, header?: { alg?: string; kid?: string }, key?: unknown): Promise<string>;
  /** The key by which JWTs are checked. */
  readonly publicKey: webcrypto.CryptoKey;
  /** The entries of the tokens file. */
  readonly entries: readonly TokenEntry[];
  /** Replaces one of the files by another, in one step. */
  replace(file: "tokens.json" | "policy.json" | "jwks.json" | "cert.pem" | "key.pem", text: string): Promise<void>;
  /** The path of a file in the servers' folder. */
  path(file: string): string;
  another(options: ServerOptions): Promise<{ readonly url: string; readonly server: Server }>;
  stop(): Promise<void>;
}

export interface GuardedServersOptions {
  readonly tokens: Readonly<Record<string, { readonly expires?: Date }>>;
  readonly policy: unknown;
}

export async function startGuardedServers({ tokens, policy }: GuardedServersOptions): Promise<GuardedServers> {
  const before = countResources();
  const folder = await mkdtemp(join(tmpdir(), "dynakv-access-"));
  const path = (file: string) => join(folder, file);
  const authority = await createAuthority("dynakv's test authority");
  const own = await authority.issueServer();
  const made = new Map(Object.entries(tokens).map(([name, { expires }]) => [name, createToken(name, expires)]));
  const entries = [...made.values()].map(({ entry }) => entry);
  const keys = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "key-1", alg: "ES256" };

  async function replace(file: string, text: string): Promise<void> {
    await writeFile(path(`${file}.new`), text);
    await rename(path(`${file}.new`), path(file));
  }

  await replace("cert.pem", own.cert);
  await replace("key.pem", own.key);
  await replace("ca.pem", authority.cert);
  await replace("tokens.json", JSON.stringify({ tokens: entries }));
  await replace("jwks.json", JSON.stringify({ keys: [jwk] }));
  await replace("policy.json", JSON.stringify(policy));

  const engine = await startTestEngine();
  const proxy: FaultProxy = await startFaultProxy({ target: engine.endpoint });
  const reached: string[] = [];
  proxy.decide = (request) => {
    if (/Item$/.test(request.operation) && !isOwnProbe(request)) {
      reached.push(request.operation);
    }
    return "forward";
  };
  const { region, accessKeyId, secretAccessKey } = engine;
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => log.push(JSON.parse(line)) });
  const table = uniqueTableName();
  const servers: Server[] = [];

  async function another(options: ServerOptions) {
    const server = createServer({
      listen: "127.0.0.1:0",
      overload: "off",
      logger,
      endpoint: proxy.endpoint,
      region,
      accessKeyId,
      secretAccessKey,
      table,
      ...options,
    });
    servers.push(server);
    const { url } = await server.start();
    return { url, server };
  }

  const known: ServerOptions = {
    tokensFile: path("tokens.json"),
    jwks: path("jwks.json"),
    jwtIssuer: issuer,
    jwtAudience: audience,
    policyFile: path("policy.json"),
  };
  const plain = await another(known);
  const secure = await another({
    ...known,
    tlsCert: path("cert.pem"),
    tlsKey: path("key.pem"),
    tlsClientCa: path("ca.pem"),
  });

  return {
    plain: plain.url,
    secure: secure.url,
    authority,
    reached: () => [...reached],
    forget() {
      reached.length = 0;
    },
    log,
    token: (name) => made.get(name)?.token ?? "",
    jwt(claims = {}, header = {}, key = keys.privateKey) {
      const seconds = Math.floor(Date.now() / 1000);
      const all = { sub: "alice", iss: issuer, aud: audience, iat: seconds, exp: seconds + 600, ...claims };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(payload)
        .setProtectedHeader({ alg: "ES256", kid: "key-1", ...header })
        .sign(key as webcrypto.CryptoKey);
    },
    publicKey: keys.publicKey,
    entries,
    replace,
    path,
    another,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await proxy.stop();
      engine.client.destroy();
      await engine.stop();
      await rm(folder, { recursive: true });
      await waitForNoLeaks(before);
    },
  };
}
