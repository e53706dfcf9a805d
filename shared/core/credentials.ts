/** Access keys of the account or, with `securityToken`, temporary ones of an agency. */
export interface Credentials {
  accessKey: string;
  secretKey: string;
  securityToken?: string | undefined;
  /**
   * The security token, percent-encoded; `signObsUrl` sets it at its first call. It has up to 3 KB, and the address of each
   * picture contains it.
   */
  encodedToken?: string;
}
