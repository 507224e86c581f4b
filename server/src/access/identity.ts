/** The identity of a caller by its token, certificate or JWT. */
export interface Identity {
  /**
   * Its names in policies, such as `token:orders`: usually one name, but a certificate has as many as it was issued for, and
   * a claim may be a list. The first stands in logs.
   */
  readonly names: readonly [string, ...string[]];
}
