import { useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../ui/icon.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { VisibleText } from "../ui/visible-text.js";
import type { JsonLine } from "./json-lines.js";
import { counted } from "./sizes.js";

const rowHeight = 22;
/** What is deeper stands no further to the right: nobody scrolls through 10,000 levels. */
const maxIndent = 24;
/** Of one string. The forms beside this one show all of it. */
const maxShown = 4000;
/** So many are seen at a glance. */
const shortLines = 30;
/** Of more lines the inner ones are folded at first. */
const foldFrom = 400;

/** JSON, folded and in colours, of which only the lines exist that are seen. */
export function JsonValue({ lines, label }: { readonly lines: readonly JsonLine[]; readonly label: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [folded, setFolded] = useState<ReadonlySet<number>>(() => foldedAtFirst(lines));
  const shown = useMemo(() => shownLines(lines, folded), [lines, folded]);
  const isFolding = lines.length > shortLines && lines.some(({ kind, depth }) => kind === "open" && depth > 0);

  function toggle(line: number) {
    const next = new Set(folded);
    if (!next.delete(line)) {
      next.add(line);
    }
    setFolded(next);
  }

  return (
    <div class="json">
      {isFolding && (
        <div class="json-tools">
          <button type="button" class="button small" onClick={() => setFolded(new Set())}>
            Unfold all
          </button>
          <button type="button" class="button small" onClick={() => setFolded(allInner(lines))}>
            Fold all
          </button>
        </div>
      )}
      <div ref={scroller} class="value json-lines" role="region" tabIndex={0} aria-label={label}>
        <VirtualRows
          count={shown.length}
          rowHeight={rowHeight}
          scroller={scroller}
          row={(row, style) => {
            const index = shown[row] as number;
            const line = lines[index] as JsonLine;
            return (
              <div key={index} class={`json-line indent-${Math.min(line.depth, maxIndent)}`} style={style}>
                {line.kind === "open" ? (
                  <Opening
                    line={line}
                    hasComma={lines[line.end]?.hasComma === true}
                    isFolded={folded.has(index)}
                    onToggle={() => toggle(index)}
                  />
                ) : (
                  <>
                    <Name name={line.name} />
                    <Scalar line={line} />
                    {line.hasComma && ","}
                  </>
                )}
              </div>
            );
          }}
        />
      </div>
    </div>
  );
}

interface OpeningProps {
  readonly line: JsonLine;
  /** After its closing bracket. */
  readonly hasComma: boolean;
  readonly isFolded: boolean;
  readonly onToggle: () => void;
}

function Opening({ line, hasComma, isFolded, onToggle }: OpeningProps) {
  const { name, text, members } = line;
  const noun = text === "{" ? "member" : "element";
  return (
    <>
      <button
        type="button"
        class="fold"
        aria-expanded={!isFolded}
        aria-label={`${name ?? (text === "{" ? "Object" : "List")}, ${counted(members, noun)}`}
        onClick={onToggle}
      >
        <Icon name={isFolded ? "right" : "down"} />
      </button>
      <Name name={name} />
      {text}
      {isFolded && (
        <>
          <span class="json-count">{counted(members, noun)}</span>
          {text === "{" ? "}" : "]"}
          {hasComma && ","}
        </>
      )}
    </>
  );
}

function Name({ name }: { readonly name: string | undefined }) {
  return name === undefined ? null : (
    <>
      <span class="json-name">
        <VisibleText text={clip(name)} />
      </span>
      {": "}
    </>
  );
}

function Scalar({ line: { kind, text } }: { readonly line: JsonLine }) {
  return kind === "close" ? (
    text
  ) : (
    <span class={`json-${kind}`}>
      <VisibleText text={clip(text)} />
    </span>
  );
}

function clip(text: string): string {
  return text.length <= maxShown ? text : `${text.slice(0, maxShown)}… (${counted(text.length, "character")})`;
}

function foldedAtFirst(lines: readonly JsonLine[]): ReadonlySet<number> {
  return lines.length > foldFrom ? allInner(lines) : new Set();
}

function allInner(lines: readonly JsonLine[]): ReadonlySet<number> {
  return new Set(lines.flatMap(({ kind, depth }, index) => (kind === "open" && depth > 0 ? [index] : [])));
}

/** The lines that are not within a folded one. */
function shownLines(lines: readonly JsonLine[], folded: ReadonlySet<number>): number[] {
  const shown: number[] = [];
  for (let index = 0; index < lines.length; index++) {
    shown.push(index);
    const line = lines[index] as JsonLine;
    if (line.kind === "open" && folded.has(index)) {
      index = line.end;
    }
  }
  return shown;
}
