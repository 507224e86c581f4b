/** The flag of commands that write only what nobody else has changed. */
export function etagFlag(help: string) {
  // No new etag begins with a dash. Tables hold older ones that do.
  return { type: "string", placeholder: "ETAG", help, dashed: /^-[\w-]{15}(\.-?\d+)?$/ } as const;
}
