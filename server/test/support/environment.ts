/** Runs `use` with variables of the environment set, or taken out, and puts all AWS ones and these back as they were. */
export async function withEnvironment<T>(
  variables: Readonly<Record<string, string | undefined>>,
  use: () => Promise<T>,
): Promise<T> {
  const kept = { ...process.env };
  const clean = Object.keys(process.env).filter(
    (name) => name.startsWith("AWS_") || /^(https?|all|no)_proxy$/i.test(name),
  );
  for (const name of clean) {
    delete process.env[name];
  }
  for (const [name, value] of Object.entries({ AWS_EC2_METADATA_DISABLED: "true", ...variables })) {
    if (value !== undefined) {
      process.env[name] = value;
    }
  }
  try {
    return await use();
  } finally {
    for (const name of [...Object.keys(variables), "AWS_EC2_METADATA_DISABLED"]) {
      delete process.env[name];
    }
    Object.assign(process.env, kept);
  }
}
