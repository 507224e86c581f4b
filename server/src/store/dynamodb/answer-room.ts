/** Room for an answer, which is asked for when its length is known and before it is read: what comes of a few keys may be 16 MB. */
export interface AnswerRoom {
  /** Takes room for so many bytes. Until it resolves nothing is read; when it throws or rejects nothing ever is. */
  take(bytes: number): void | Promise<void>;
}

/** There was no room for an answer, so it was not read. The request can be made again. */
export class NoRoomError extends Error {
  /** It counts as a request that was aborted. */
  override readonly name = "AbortError";
  /** Length of the response. */
  readonly bytes: number;

  constructor(bytes: number) {
    super("there is no room for the answer");
    this.bytes = bytes;
  }
}
