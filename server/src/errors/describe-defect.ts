/** The stack of a defect without its message, which may quote user data. */
export function describeDefect(error: unknown): {
  readonly name: string;
  readonly stack?: readonly string[] | undefined;
} {
  if (!(error instanceof Error)) {
    return { name: typeof error };
  }
  const frames = error.stack?.replace(error.message, "").split("\n");
  return { name: error.name, stack: frames?.filter((line) => /^\s+at /.test(line)) };
}
