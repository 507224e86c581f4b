import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import type { Figures } from "../../common/figures.js";
import { draftOf, formatJson, toData } from "../../console/src/change/data-draft.js";
import { ServerClock } from "../../console/src/connection/server-clock.js";
import { toSample } from "../../console/src/status/figures-between.js";
import { readCeleryKey } from "../../console/src/values/celery-key.js";
import { parseJsonLines, placeOf } from "../../console/src/values/json-lines.js";
import { quoteForCode, quoteForShell } from "../../console/src/values/quoting.js";
import { sniffImage } from "../../console/src/values/sniff-image.js";
import { getSnippets, setSnippets } from "../../console/src/values/snippets.js";
import { toVisibleParts } from "../../console/src/values/visible-text.js";
import { suite } from "../../server/test/support/suite.js";

const test = suite("what the console makes of keys and values");
const utf8 = (text: string) => new TextEncoder().encode(text);

const shown = (text: string) =>
  parseJsonLines(text).lines?.map(({ depth, name, text: piece, hasComma }) =>
    [" ".repeat(depth), name && `${name}:`, piece, hasComma && ","].filter(Boolean).join(""),
  );

test("JSON becomes lines in which every name and number is as it was", () => {
  const text = '{"id":9007199254740993,"__proto__":{"a":[]},"id":-0.10e+2,"list":[1,{},"x\\u202e"],"no":null}';
  assert.equal(shown(text), [
    "{",
    ' "id":9007199254740993,',
    ' "__proto__":{',
    '  "a":[]',
    " },",
    ' "id":-0.10e+2,',
    ' "list":[',
    "  1,",
    "  {},",
    '  "x\\u202e"',
    " ],",
    ' "no":null',
    "}",
  ]);
  assert.equal(JSON.parse(formatJson(text)), JSON.parse(text));
  assert.match(formatJson(text), '"id": 9007199254740993');
});

test("JSON is what JSON.parse takes, and nothing else", () => {
  const texts = ["1", "-0", '"a"', "true", "[]", "{}", " [1 , 2] ", '{"a":1}', '"\\ud800"', "1e400", '"\\/"'];
  const others = [
    "",
    "01",
    "1.",
    ".5",
    "+1",
    "[1,]",
    "{,}",
    '{"a"}',
    "{a:1}",
    "'a'",
    "NaN",
    "[1 2]",
    "nul",
    "nulls",
    "[",
    '"',
  ];
  others.push('"\\x41"', '"a\nb"', '{"a":1,}', "1 2", "[1]]", "-", "1e", "\u00a01", "tru", '"\\u12g4"', "0x1", "1_000");
  for (const text of [...texts, ...others]) {
    const isJson = (() => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    })();
    assert.is(parseJsonLines(text).lines !== undefined, isJson, JSON.stringify(text));
  }
});

test("JSON of 10,000 levels is read, and so is a string of 390 KB", () => {
  const deep = parseJsonLines(`${"[".repeat(10_000)}1${"]".repeat(10_000)}`);
  assert.is(deep.lines?.length, 20_001);
  assert.is(deep.lines?.[0]?.end, 20_000);
  assert.is(parseJsonLines(JSON.stringify("x".repeat(390_000))).lines?.length, 1);
  assert.is(parseJsonLines(`"${"x".repeat(390_000)}`).fault?.message, "a string has no closing quote");
});

test("a fault of JSON is told by its place", () => {
  const text = '{\n  "a": 1\n  "b": 2\n}';
  const { fault } = parseJsonLines(text);
  assert.equal(placeOf(text, fault?.position ?? 0), { line: 3, column: 3 });
});

test("characters that cannot be seen are told by their names", () => {
  const parts = toVisibleParts("a\u202eb\0\u200dc\ufeff");
  assert.equal(
    parts.map(({ text, isMark }) => (isMark ? `<${text}>` : text)).join(""),
    "a<U+202E>b<NUL><U+200D>c<U+FEFF>",
  );
  assert.equal(toVisibleParts("Grüße, 世界 🎉"), [{ text: "Grüße, 世界 🎉", isMark: false }]);
  assert.equal(toVisibleParts("a\n\tb", { keepLines: true }), [{ text: "a\n\tb", isMark: false }]);
});

test("what is copied for a shell is the word that it was", () => {
  for (const word of [
    "plain",
    "user:1",
    "it's",
    "$(reboot)",
    "`id`",
    'a"b',
    "a\\b",
    "-rf",
    "a b",
    "a\nb",
    "a\t7",
    "\u202ex7",
    "'\n'",
    "é\t9",
    "*?[a]!",
  ]) {
    const printed = execFileSync("bash", [
      "-c",
      `printf %s -- ${quoteForShell(word)}`.replace("%s --", "%s"),
    ]).toString();
    assert.is(printed, word, quoteForShell(word) ?? "");
    assert.not.match(quoteForShell(word) ?? "", /[\p{Cc}\p{Cf}]/u);
  }
  assert.is(quoteForShell("a\0b"), undefined);
});

test("what is copied for JSON and TypeScript is the string that it was, and hides nothing", () => {
  for (const text of ['a"b', "a\\b", "\0\n\u202e\u2028\ufeff", "</script>", "𝒳\u{e0041}"]) {
    assert.is(JSON.parse(quoteForCode(text)), text);
    assert.not.match(quoteForCode(text), /[\p{Cc}\p{Cf}\p{Zl}]/u);
  }
});

test("a call that is copied names key, condition and server", () => {
  const target = { address: "http://127.0.0.1:50051", needsToken: false };
  const [cli, curl, program] = getSnippets(target, "it's");
  assert.is(cli?.text, "npx dynakv get 'it'\\''s' --json");
  assert.is(curl?.text, `npx buf curl -d '{"key":"it'\\''s"}' http://127.0.0.1:50051/dynakv.v1.KeyValueService/Get`);
  assert.match(program?.text ?? "", 'client.get("it\'s")');
  const setting = { value: utf8("v"), expiry: { seconds: 60 }, ifEtag: "abc" };
  const elsewhere = { address: "https://kv.example", needsToken: true };
  assert.is(
    setSnippets(elsewhere, "-k", setting)[0]?.text,
    "npx dynakv set --address https://kv.example --token-file TOKEN.txt --expire 60s --if-etag=abc -- -k v",
  );
  const binary = setSnippets(target, "k", { ...setting, value: Uint8Array.of(0xff) }).map(({ text }) => text);
  assert.match(binary[0] ?? "", /--file FILE$/);
  assert.match(binary[1] ?? "", '"value":"/w=="');
  assert.match(getSnippets(target, "a\0")[0]?.text ?? "", /^# No program/);
});

test("images of dots are told by their first bytes, and SVG is none", () => {
  assert.is(sniffImage(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)), "image/png");
  assert.is(sniffImage(utf8("RIFF....WEBP")), "image/webp");
  for (const text of ["<svg xmlns='http://www.w3.org/2000/svg'/>", "BM is a text", "", "\x89PNG"]) {
    assert.is(sniffImage(utf8(text)), undefined, text);
  }
});

test("the keys of Celery lead to each other", () => {
  const key = readCeleryKey("b'celery-task-meta-abc'");
  assert.equal([key?.kind, key?.id, key?.sibling("group", "g")], ["task", "abc", "b'celery-taskset-meta-g'"]);
  const prefixed = readCeleryKey("prod_celery-taskset-meta-g");
  assert.equal([prefixed?.kind, prefixed?.sibling("task", "t")], ["group", "prod_celery-task-meta-t"]);
  assert.is(readCeleryKey("celery-task-meta-"), undefined);
});

test("a text keeps the ends of its lines, or its editor says that it will not", () => {
  const entry = (text: string) =>
    ({ kind: "value", key: "k", etag: "e", writeTime: undefined, expireTime: undefined, value: utf8(text) }) as const;
  const stored = (text: string) => {
    const draft = draftOf(entry(text));
    // As a text field has it.
    const data = toData({ ...draft, text: draft.text.replaceAll(/\r\n?/g, "\n") });
    return "data" in data && data.data.kind === "value" ? new TextDecoder().decode(data.data.value) : undefined;
  };
  for (const text of ["a\nb", "a\r\nb\r\n", "", "[1,\r\n2]"]) {
    assert.is(stored(text), text);
  }
  assert.is(draftOf(entry("a\r\nb\nc")).note !== undefined, true);
  assert.is(draftOf({ ...entry(""), value: Uint8Array.of(0xff) }).format, "file");
});

test("the server's clock is told from its answers, unless both may be the same", () => {
  const clock = new ServerClock();
  const at = Date.UTC(2026, 0, 1);
  clock.note(new Date(at).toUTCString(), at + 100, at + 200);
  assert.is(clock.offsetMs, 0);
  const ahead = new ServerClock();
  for (let ms = 0; ms < 5000; ms += 170) {
    const serverNow = at + 3_600_000 + ms;
    ahead.note(new Date(Math.floor(serverNow / 1000) * 1000).toUTCString(), at + ms - 5, at + ms + 5);
  }
  assert.ok(Math.abs(ahead.offsetMs - 3_600_000) < 120, String(ahead.offsetMs));
  ahead.note("nonsense", at, at);
  ahead.note(null, at, at);
  ahead.note(new Date(at).toUTCString(), at, at);
  assert.is(ahead.offsetMs, 0);
});

test("figures become rates between two readings of one process", () => {
  const figures = (atMs: number, ok: number, durations: number[]): Figures => ({
    instance: "a",
    atMs,
    methods: { Get: { ok, failed: 0, durations } },
    durationBounds: [0.001, 0.01],
    readUnits: ok / 2,
    writeUnits: 0,
    throttles: 0,
    shed: 0,
    inFlight: 1,
    waiting: 0,
    connections: 1,
  });
  const before = figures(1000, 10, [10, 0, 0]);
  const after = figures(3000, 30, [20, 10, 0]);
  const sample = toSample(before, after, 0);
  assert.equal([sample?.calls, sample?.readUnits, sample?.p50], [{ Get: 10 }, 5, 1]);
  assert.ok((sample?.p99 ?? 0) > 9 && (sample?.p99 ?? 0) <= 10);
  assert.is(toSample(before, { ...after, instance: "b" }, 0), undefined);
  assert.is(toSample(after, figures(4000, 30, [20, 10, 0]), 0)?.p50, undefined);
});

test.run();
