/** The numbers that a counter can hold. */
export const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n } as const;
