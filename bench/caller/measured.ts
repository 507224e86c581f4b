/** What some work of a process has taken. */
export interface Taken {
  readonly seconds: number;
  /** User and system time of the process, in microseconds. */
  readonly cpu: number;
}

export async function measured(work: () => Promise<void>): Promise<Taken> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds: (performance.now() - startedAt) / 1000, cpu: user + system };
}
