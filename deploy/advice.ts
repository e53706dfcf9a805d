import type { CallFailed } from './cloud-api';

/** What to do about a refusal, by the service's code. */
const ADVICE: Readonly<Record<string, string>> = {
  'APIG.0301':
    'check HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK (with temporary keys HUAWEICLOUD_SDK_SECURITY_TOKEN), and the clock of this machine',
  'APIG.0307': 'the security token is too old: get new temporary keys',
  'FSS.0403': 'check HUAWEICLOUD_SDK_PROJECT_ID, and that the user of the access key may manage functions',
  'FSS.1061': 'it was made a moment ago: run the command again',
  'FSS.1108': 'another OBS trigger listens there: give each stage a bucket, or a prefix, of its own',
  'FSS.1145': 'another OBS trigger listens there: give each stage a bucket, or a prefix, of its own',
  'FSS.1146': 'the API group has this path: give each stage an API group of its own',
  'FSS.1147': 'the API group has this path: give each stage an API group of its own',
  UNEXPECTED_ANSWER: 'check HUAWEICLOUD_SDK_REGION, and the variables …_ENDPOINT if some are set',
  'APIG.2026': 'a trigger cannot declare the parameters of a path: publish a plain path with match_mode SWA',
  STILL_DELETED: 'FunctionGraph deletes it in the background: run the command again in a few minutes',
  'FSS.1151': 'bucket and functions must be in one region',
};

/** Codes for what is full differ by service, and not all are documented. */
const QUOTA = 'delete what nobody needs, or ask for more in the console (My Quotas)';

/** The failure in one line, with what to do. */
export function adviceFor({ code, status, message, isOutcomeUnknown }: CallFailed): string {
  const advice =
    ADVICE[code] ??
    (status >= 400 && status < 500 && /quota|maximum|upper limit|exceed/i.test(message)
      ? QUOTA
      : undefined) ??
    (status === 0 && !isOutcomeUnknown
      ? 'check the network, HUAWEICLOUD_SDK_REGION, and the variable …_ENDPOINT that says this address, if there is one'
      : status === 401
        ? ADVICE['APIG.0301']
        : status === 403
          ? 'the user of the access key lacks a right'
          : status === 429
            ? 'too many calls: wait a minute and run the command again'
            : isOutcomeUnknown || status >= 500
              ? 'run the command again: it finds what was done and does the rest'
              : undefined);
  return advice === undefined ? message : `${message}; ${advice}`;
}
