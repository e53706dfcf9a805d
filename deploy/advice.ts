import type { CallFailed } from './cloud-api';

/** Apps and policies of a gateway have unique names. */
const NAME_TAKEN =
  'somebody else has one of this name in the gateway: rename or delete that one, and run the command again';

/** What to do about a refusal, by the service's code. */
const ADVICE: Readonly<Record<string, string>> = {
  'APIG.0301':
    'check HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK (with temporary keys HUAWEICLOUD_SDK_SECURITY_TOKEN), and the clock of this machine',
  'APIG.0307': 'the security token is too old: get new temporary keys',
  'FSS.0403':
    'check HUAWEICLOUD_SDK_PROJECT_ID, and that the user of the access key has the system policy "FunctionGraph FullAccess" in that project',
  'FSS.1061': 'it was created a moment ago: run the command again',
  'FSS.1108': 'another OBS trigger listens there: give each stage a bucket, or a prefix, of its own',
  'FSS.1145': 'another OBS trigger listens there: give each stage a bucket, or a prefix, of its own',
  'FSS.1146': 'the API group has this path: give each stage an API group of its own',
  'FSS.1147': 'the API group has this path: give each stage an API group of its own',
  UNEXPECTED_ANSWER: 'check HUAWEICLOUD_SDK_REGION, and the …_ENDPOINT variables if any are set',
  'APIG.2026': 'a trigger cannot declare the parameters of a path: publish a plain path with match_mode SWA',
  'APIG.3203': NAME_TAKEN,
  'APIG.3204': NAME_TAKEN,
  'APIG.3206': NAME_TAKEN,
  STILL_DELETED: 'FunctionGraph deletes it in the background: run the command again in a few minutes',
  'FSS.1151': 'bucket and functions must be in one region',
};

/** For an exhausted quota: its codes differ by service, and not all are documented. */
const QUOTA = 'delete what nobody needs, or request a higher quota in the console (My Quotas)';

/** System policies and roles of IAM that allow every call of these commands; for `obs` and `iam` they are global. */
const POLICIES: Readonly<Record<NonNullable<CallFailed['service']>, string>> = {
  functiongraph: 'FunctionGraph FullAccess',
  apig: 'APIG FullAccess',
  lts: 'LTS FullAccess',
  eg: 'EG FullAccess',
  smn: 'SMN FullAccess',
  mpc: 'MPC Administrator',
  obs: 'OBS Administrator',
  iam: 'Security Administrator',
};

function lackOfRights(service: CallFailed['service']): string {
  if (service === undefined) return 'the user of the access key has no permission for this call';
  const scope = service === 'obs' || service === 'iam' ? '' : ' in the project of the region';
  return `give the user of the access key the system policy "${POLICIES[service]}"${scope}`;
}

/** The failure in one line, with what to do. */
export function adviceFor({ code, status, message, isOutcomeUnknown, service }: CallFailed): string {
  const advice =
    ADVICE[code] ??
    (status >= 400 && status < 500 && /quota|maximum|upper limit|exceed/i.test(message)
      ? QUOTA
      : undefined) ??
    (status === 0 && !isOutcomeUnknown
      ? 'check the network, HUAWEICLOUD_SDK_REGION, and the …_ENDPOINT variable with this address, if one is set'
      : status === 401
        ? ADVICE['APIG.0301']
        : status === 403
          ? lackOfRights(service)
          : status === 429
            ? 'too many calls: wait a minute and run the command again'
            : isOutcomeUnknown || status >= 500
              ? 'run the command again: it finds what was done and does the rest'
              : undefined);
  return advice === undefined ? message : `${message}; ${advice}`;
}
