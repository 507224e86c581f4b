/** What is wrong with a line that a server has written to stderr; undefined for a good log line. */
export function findLogProblem(line: string, secrets: readonly string[]): string | undefined {
  if (secrets.some((secret) => line.includes(secret))) {
    return `a log line holds what must not be logged: ${line}`;
  }
  const parsed = parse(line);
  if (parsed === undefined) {
    return `stderr has a line that is no log line: ${line}`;
  }
  return parsed.defect === undefined ? undefined : `a call failed with an internal error: ${line}`;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null && "level" in parsed && "msg" in parsed
      ? { ...parsed }
      : undefined;
  } catch {
    return undefined;
  }
}
