/** Who a caller is, as a token, a certificate or a JWT says. */
export interface Identity {
  /**
   * What a policy may call it, such as `token:orders`: usually one name, but a certificate has as many as it was issued for, and
   * a claim may be a list. The first stands in logs.
   */
  readonly names: readonly [string, ...string[]];
}
