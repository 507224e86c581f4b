import { createHash } from "node:crypto";
import type { Random } from "../../../server/test/support/random.js";
import { mutateJson } from "../messages/mutate-json.js";
import { mutateBytes, randomBytes } from "../wire/mutate-bytes.js";

/** What a file of tokens, of keys or of rights may hold, as people write them. */
const good = {
  tokens: () => ({
    tokens: [
      { name: "orders", sha256: createHash("sha256").update("a").digest("hex") },
      { name: "reader", sha256: createHash("sha256").update("b").digest("hex"), expires: "2027-01-01T00:00:00Z" },
    ],
  }),
  policy: () => ({
    rules: [
      { identities: ["token:orders", "jwt:alice"], rights: ["read", "write", "delete"], prefixes: ["orders:"] },
      { identities: ["certificate:billing.internal"], rights: ["read"], prefixes: [""] },
    ],
  }),
  jwks: () => ({
    keys: [
      {
        kty: "EC",
        crv: "P-256",
        kid: "key-1",
        x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      },
      { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    ],
  }),
} as const;

/** The text of such a file: right, nearly right, cut, spoiled, or nothing of the kind. */
export function drawAccessFile(random: Random, kind: keyof typeof good): string {
  if (random.chance(0.05)) {
    return randomBytes(random, random.below(200)).toString("latin1");
  }
  const text = JSON.stringify(random.chance(0.1) ? good[kind]() : mutateJson(random, good[kind]()));
  switch (random.below(8)) {
    case 0:
      return mutateBytes(random, Buffer.from(text)).toString("utf8");
    case 1:
      return text.slice(0, random.below(text.length));
    case 2:
      return `\uFEFF${text}\r\n`;
    default:
      return text;
  }
}
