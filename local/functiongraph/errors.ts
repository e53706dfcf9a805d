/** HTTP status of each error code that the local cloud uses (FunctionGraph API reference, Error Codes). */
const STATUS_OF = {
  // API Gateway's own code, which FunctionGraph passes on when it publishes an API.
  'APIG.2026': 400,
  'FSS.0400': 400,
  'FSS.0401': 401,
  'FSS.0403': 403,
  'FSS.0404': 404,
  'FSS.0406': 406,
  'FSS.0409': 409,
  'FSS.0413': 413,
  'FSS.0429': 429,
  'FSS.0500': 500,
  'FSS.1002': 400,
  'FSS.1003': 400,
  'FSS.1004': 400,
  'FSS.1005': 400,
  'FSS.1006': 400,
  'FSS.1007': 400,
  'FSS.1008': 400,
  'FSS.1009': 400,
  'FSS.1011': 400,
  'FSS.1012': 400,
  'FSS.1015': 400,
  'FSS.1016': 400,
  'FSS.1019': 400,
  'FSS.1026': 400,
  'FSS.1051': 404,
  'FSS.1052': 404,
  'FSS.1061': 409,
  'FSS.1062': 409,
  'FSS.1071': 413,
  'FSS.1101': 400,
  'FSS.1106': 400,
  'FSS.1107': 400,
  'FSS.1108': 403,
  'FSS.1109': 400,
  'FSS.1131': 404,
  'FSS.1145': 409,
  'FSS.1147': 409,
  'FSS.1148': 409,
  'FSS.1201': 413,
  'FSS.1306': 400,
  'FSS.1309': 400,
  'FSS.1404': 400,
  'FSS.1405': 400,
} as const;

export type FunctionGraphErrorCode = keyof typeof STATUS_OF;

/** A refusal of FunctionGraph itself: the request never reached the user's code. */
export class FunctionGraphError extends Error {
  readonly status: number;

  /** @param message what is wrong and what to do: field, value, limit and unit */
  constructor(
    readonly errorCode: FunctionGraphErrorCode,
    message: string,
  ) {
    super(message);
    this.status = STATUS_OF[errorCode];
  }
}
