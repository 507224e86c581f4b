import { useEffect, useRef, useState } from "preact/hooks";
import { VirtualRows } from "../ui/virtual-rows.js";

const rowHeight = 22;

/** Bytes by their values, with what of them is ASCII beside. */
export function HexValue({ bytes }: { readonly bytes: Uint8Array }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [perRow, setPerRow] = useState(16);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) {
      return;
    }
    const observer = new ResizeObserver(() => setPerRow(element.clientWidth < 560 ? 8 : 16));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={scroller} class="value hex" role="region" tabIndex={0} aria-label="Value in hexadecimal">
      <VirtualRows
        count={Math.ceil(bytes.length / perRow)}
        rowHeight={rowHeight}
        scroller={scroller}
        row={(index, style) => {
          const row = bytes.subarray(index * perRow, (index + 1) * perRow);
          return (
            <div key={index} class="hex-row" style={style}>
              <span class="hex-offset">{(index * perRow).toString(16).padStart(6, "0")}</span>
              <span class="hex-bytes">{toHex(row).padEnd(perRow * 3 - 1)}</span>
              <span class="hex-ascii">{toAscii(row)}</span>
            </div>
          );
        }}
      />
    </div>
  );
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function toAscii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
}
