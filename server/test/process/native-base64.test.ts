import * as assert from "uvu/assert";
import "../../src/process/native-base64.js";
import { suite } from "../support/suite.js";

const test = suite("base64 of a process");

type ToBase64 = (options?: { alphabet?: string; omitPadding?: boolean }) => string;

test("bytes become base64 in either alphabet, with padding and without, also those that are part of a buffer", () => {
  const encode = (bytes: Uint8Array, options?: Parameters<ToBase64>[0]) =>
    (bytes as Uint8Array & { toBase64: ToBase64 }).toBase64(options);
  const bytes = new Uint8Array([1, 2, 0xfb, 0xff, 0xfe, 3]).subarray(2, 5);
  assert.is(encode(bytes), "+//+");
  assert.is(encode(bytes.subarray(0, 2)), "+/8=");
  assert.is(encode(bytes.subarray(0, 1)), "+w==");
  assert.is(encode(bytes.subarray(0, 1), { alphabet: "base64", omitPadding: true }), "+w");
  assert.is(encode(bytes.subarray(0, 1), { alphabet: "base64url" }), "-w==");
  assert.is(encode(bytes.subarray(0, 2), { alphabet: "base64url", omitPadding: true }), "-_8");
  assert.is(encode(new Uint8Array()), "");
});

test.run();
