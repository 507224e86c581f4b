import type { Random } from "../../../server/test/support/random.js";
import { mutateBytes, randomBytes } from "../wire/mutate-bytes.js";

const texts = [
  "",
  " ",
  "x",
  "true",
  "false",
  "TRUE",
  "0",
  "1",
  "-1",
  "007",
  "1e3",
  "0x10",
  "99999999999999999999",
  "celery",
  "127.0.0.1:0",
  "[::1]:50051",
  "[::1",
  "localhost:99999",
  ":50051",
  "eu-central-1",
  "http://localhost:8000",
  "http://user:pass@localhost",
  "https://",
  "http://[::1",
  "ftp://a",
  "*",
  "https://a.example, https://b.example",
  "https://a.example/path",
  "--table",
  "-h",
  "\0",
  "a\nb",
  "\u001b[31m",
  "é",
  "\ud800",
  "__proto__",
  "x".repeat(5000),
];

/** A text that may be anything but what it should be. */
export function drawText(random: Random): string {
  switch (random.below(6)) {
    case 0:
      return randomBytes(random, random.below(20)).toString("latin1");
    case 1:
      return mutateBytes(random, Buffer.from(random.pick(texts))).toString("utf8");
    default:
      return random.pick(texts);
  }
}

/** A secret, of the letters of AWS's and of those that urls and shells give a meaning to. */
export function drawSecret(random: Random): string {
  const odd = ["", "/", "+", "%", "@", ":", "?", "#", " ", "\n", "%zz", '"', "=", "-"];
  return `${random.pick(odd)}hunter2${random.pick(odd)}${String(random.below(1e9)).padEnd(30, "s")}${random.pick(odd)}`;
}

/** What is in it whichever way it is quoted or cut. */
export const coreOf = (secret: string): string => /hunter2/.exec(secret)?.[0] ?? secret;
