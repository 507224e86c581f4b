const decoder = new TextDecoder("utf-8", { fatal: true });

/** The text of bytes; undefined when they are not UTF-8. Other decoders put U+FFFD in the place of what they cannot read, and so make one text of many. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
