const raster: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF87a"],
  ["image/gif", 0, "GIF89a"],
  ["image/webp", 8, "WEBP"],
  ["image/avif", 4, "ftypavif"],
  ["image/bmp", 0, "BM"],
];

/**
 * The type of an image, by its first bytes; undefined for what is none. SVG is none: it is a document, which can hold scripts and links,
 * and is shown as the text that it is.
 */
export function sniffImage(bytes: Uint8Array): string | undefined {
  const found = raster.find(([, offset, start]) =>
    Array.from(start).every((character, index) => bytes[offset + index] === character.charCodeAt(0)),
  );
  // Two letters alone are too little to go by.
  return found?.[0] === "image/bmp" && !isBitmap(bytes) ? undefined : found?.[0];
}

/** Its head tells the length of the whole. */
function isBitmap(bytes: Uint8Array): boolean {
  return bytes.length > 26 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(2, true) === bytes.length;
}
