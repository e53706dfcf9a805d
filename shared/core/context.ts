/**
 * The part of FunctionGraph's Node.js context object that the functions use
 * (FunctionGraph developer guide, "Developing an event function in Node.js").
 */
export interface FunctionContext {
  getRequestID(): string;
  getRemainingTimeInMilliSeconds(): number;
  getProjectID(): string;
  getFunctionName(): string;
  /** The value of a user data key; undefined when it is not set. */
  getUserData(key: string): string | undefined;
  /** Temporary credentials of the execution agency; empty strings when the function has none. */
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
}
