/** Tells how far the bench has come, where it does not mix with the report. */
export function print(text: string): void {
  process.stderr.write(`${text}\n`);
}
