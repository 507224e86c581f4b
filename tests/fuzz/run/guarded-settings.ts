import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../../server/test/support/certificates.js";
import type { ClientTls } from "../targets.js";

/** What a server with TLS, tokens and a policy is started with, and what makes somebody of a client. */
export interface GuardedSettings {
  readonly flags: readonly string[];
  readonly known: Required<ClientTls>;
  remove(): Promise<void>;
}

export async function writeGuardedSettings(): Promise<GuardedSettings> {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-fuzz-"));
  const authority = await createAuthority("fuzz");
  const server = await authority.issueServer();
  const client = await authority.issue({ name: "fuzzer" });
  const token = createHash("sha256").update("nobody has it").digest("hex");
  const all = { rights: ["read", "write", "delete"], prefixes: [""] };
  const files: Readonly<Record<string, string>> = {
    "--tls-cert": server.cert,
    "--tls-key": server.key,
    "--tls-client-ca": authority.cert,
    "--tokens-file": JSON.stringify({ tokens: [{ name: "nobody", sha256: token }] }),
    "--policy-file": JSON.stringify({ rules: [{ identities: ["certificate:fuzzer"], ...all }] }),
  };
  const paths = Object.entries(files).map(([flag, text]) => ({ flag, path: join(folder, flag.slice(2)), text }));
  await Promise.all(paths.map(({ path, text }) => writeFile(path, text, { mode: 0o600 })));
  return {
    flags: paths.flatMap(({ flag, path }) => [flag, path]),
    known: { ca: authority.cert, ...client },
    remove: () => rm(folder, { recursive: true }),
  };
}
