import { createRequestId } from "../../../common/request-ids.js";
import { type Json, type JsonObject, mapJson } from "../json.js";

const hourMs = 3_600_000;
/** How far from the clock of this process a time may lie that counts as now: a case takes less. */
const nowMs = 30_000;

/** What the names in angle brackets of one case stand for in one run; see {@link Step}. */
export class CaseNames {
  readonly #values: Map<string, string>;
  readonly #keyPrefix: string;
  #etags = 0;

  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix;
    this.#values = new Map([
      ["<key>", keyPrefix],
      ["<id 1>", createRequestId(Date.now())],
      ["<old id>", createRequestId(Date.now() - hourMs)],
    ]);
  }

  /** A request with the values in place of their names. */
  fillIn(request: JsonObject): JsonObject {
    return this.#mapTexts(request, (text) =>
      [...this.#values].reduce((filled, [name, value]) => filled.replaceAll(name, value), text),
    );
  }

  /** An answer with the names in place of their values. A new etag takes the next name. */
  giveNames(answer: JsonObject): JsonObject {
    return this.#mapTexts(answer, (text, field) => {
      if (field === "writeTime" || field === "expireTime") {
        return nameTime(text);
      }
      if ((field === "etag" || field === "currentEtag") && ![...this.#values.values()].includes(text)) {
        this.#etags += 1;
        this.#values.set(`<etag ${this.#etags}>`, text);
      }
      const [name] = [...this.#values].find(([, value]) => value === text) ?? [];
      return name ?? text.replaceAll(this.#keyPrefix, "<key>");
    });
  }

  #mapTexts(json: JsonObject, map: (text: string, field: string | undefined) => string): JsonObject {
    return mapJson(json, (value: Json, field) => (typeof value === "string" ? map(value, field) : value)) as JsonObject;
  }
}

function nameTime(time: string): string {
  const fromNowMs = Date.parse(time) - Date.now();
  if (Math.abs(fromNowMs) < nowMs) {
    return "<now>";
  }
  return Math.abs(fromNowMs - hourMs) < nowMs ? "<in an hour>" : time;
}
