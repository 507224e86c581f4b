// The part of Vitest that is used. It is a peer that need not be installed.

declare module "vitest" {
  type Hook = (run: () => Promise<void>) => void;
  export const beforeAll: Hook;
  export const beforeEach: Hook;
  export const afterAll: Hook;
}
