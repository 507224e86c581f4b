import type { Workshop } from "../workshop.js";

/** What was seen when a case was tried. */
export interface Row {
  /** The version of what the client ran in. */
  readonly version: string;
  /** What a plain `@dynakv/client` is there, as the run has told it. */
  readonly client: string;
  /** What there is to know beside: a size, or what to set. */
  readonly note?: string;
}

/** One platform, tool or framework in which the packed client is tried. */
export interface Case {
  readonly name: string;
  /** Throws when the client does not work there as its page says, and a ToolMissing when it cannot be tried here. */
  readonly try: (workshop: Workshop) => Promise<Row>;
}
