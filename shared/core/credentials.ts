/** Access keys of the account or, with `securityToken`, temporary ones of an agency. */
export interface Credentials {
  accessKey: string;
  secretKey: string;
  securityToken?: string | undefined;
  /** The security token, percent-encoded: it has up to 3 KB, and the address of each picture contains it. */
  encodedToken?: string;
}
