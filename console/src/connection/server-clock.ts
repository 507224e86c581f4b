/**
 * How far the server's clock is from that of the browser, from the `Date` of its answers, which has whole seconds: each answer bounds the
 * difference, and together they narrow it down. Entries expire by the server's clock.
 */
export class ServerClock {
  private low = Number.NEGATIVE_INFINITY;
  private high = Number.POSITIVE_INFINITY;

  /** An answer, and when it was asked for and came by this clock. */
  note(date: string | null, askedAt: number, cameAt: number): void {
    const said = date === null ? Number.NaN : Date.parse(date);
    if (Number.isNaN(said)) {
      return;
    }
    const low = said - cameAt;
    const high = said + 1000 - askedAt;
    if (low > this.high || high < this.low) {
      // One of the clocks has been set.
      this.low = low;
      this.high = high;
    } else {
      this.low = Math.max(this.low, low);
      this.high = Math.min(this.high, high);
    }
  }

  /** Milliseconds to add to this clock; 0 as long as nothing is known, and where the difference may as well be none. */
  get offsetMs(): number {
    return this.low <= 0 && this.high >= 0 ? 0 : Number.isFinite(this.low) ? (this.low + this.high) / 2 : 0;
  }

  now(): number {
    return Date.now() + this.offsetMs;
  }
}
