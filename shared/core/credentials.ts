/** Access keys of the account or, with `securityToken`, temporary ones of an agency. */
export interface Credentials {
  accessKey: string;
  secretKey: string;
  securityToken?: string | undefined;
}
