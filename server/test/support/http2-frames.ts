/** Frames of HTTP/2 as a test writes and reads them, byte by byte. */
import { encodeFrame, type Frame, headerBlock, preface, readFrames, settingsFrame } from "./wire/frames.js";

/** ENHANCE_YOUR_CALM, as the last four bytes of RST_STREAM and in GOAWAY. */
export const enhanceYourCalm = 0xb;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  return encodeFrame({ type, flags, stream, payload });
}

/** Where a client begins: its preface, and its settings, such as `[4, 0]` for a window of nothing. */
export function opening(...settings: [id: number, value: number][]): Buffer {
  return Buffer.concat([preface, encodeFrame(settingsFrame(...settings))]);
}

/** A head of POST or GET /, and further fields. */
export function head(method: "GET" | "POST", fields: Record<string, string> = {}): Buffer {
  const pseudo = { ":method": method, ":scheme": "http", ":path": "/", ":authority": "here" };
  return headerBlock(Object.entries({ ...pseudo, ...fields }));
}

/** The frames in what was received, as latin1. */
export function parseFrames(received: string): (Frame & { readonly payload: Buffer })[] {
  return [...readFrames(Buffer.from(received, "latin1"))].map((each) => ({
    ...each,
    payload: Buffer.from(each.payload),
  }));
}
