import { preface } from "../../../server/test/support/wire/frames.js";
import { drawInput, type InputKind, send } from "../kind.js";
import { randomBytes } from "../wire/mutate-bytes.js";

/** The beginning of a TLS handshake, which somebody sends who takes the port for another. */
const clientHello = Buffer.from("16030100c8010000c403035f", "hex");

export const noiseKind: InputKind = {
  name: "noise",
  what: "random bytes, alone, after the HTTP/2 preface, after an HTTP/1 line, or like TLS; connections without a byte",
  draw(random) {
    const noise = randomBytes(random, random.below(random.chance(0.1) ? 20_000 : 200));
    const beginnings = ["", preface, "GET / HTTP/1.1\r\n", clientHello, preface.subarray(0, random.below(24))];
    return drawInput(random, send(random.pick(beginnings), noise));
  },
};
