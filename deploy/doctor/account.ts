import * as z from 'zod';
import { CallFailed, type CloudAnswer, type CloudApi } from '../cloud-api';
import type { Finding } from './finding';

const Projects = z.object({
  projects: z.array(z.object({ id: z.string(), name: z.string(), domain_id: z.string() })),
});

/** The account of the access key. */
export interface Account {
  /** Id of the account; undefined when IAM does not show it. */
  domainId?: string;
  findings: Finding[];
  /** True when the key is valid, so that other checks make sense. */
  isKnown: boolean;
}

/** The platform refuses signatures that are 15 minutes old. A warning at 5 minutes leaves time to act. */
const WORRYING_SKEW_MS = 5 * 60 * 1000;

/**
 * Checks that the access key is valid, the clock is right, and the project belongs to the region. Asks IAM for the
 * account's projects.
 */
export async function checkAccount(cloud: CloudApi): Promise<Account> {
  let answer: CloudAnswer;
  try {
    answer = await cloud.call('iam', { method: 'GET', path: '/v3/projects' });
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return refused(error);
  }
  const parsed = Projects.safeParse(answer.body);
  const findings: Finding[] = [{ point: 'access key', state: 'ok', text: 'IAM accepts it' }];
  findings.push(clockFinding(answer.headers.get('date')));
  if (!parsed.success) {
    findings.push({
      point: 'project',
      state: 'unseen',
      text: 'IAM lists projects in an unknown format',
    });
    return { findings, isKnown: true };
  }
  const { projects } = parsed.data;
  const { region, projectId } = cloud.connection;
  findings.push(projectFinding(projects, region, projectId));
  const domainId = (projects.find(({ id }) => id === projectId) ?? projects[0])?.domain_id;
  return { ...(domainId !== undefined && { domainId }), findings, isKnown: true };
}

function projectFinding(
  projects: z.infer<typeof Projects>['projects'],
  region: string,
  projectId: string,
): Finding {
  const point = 'project';
  const own = projects.find(({ id }) => id === projectId);
  // A region has one project with its own name, and may have more, called <region>_<name>.
  const isOf = (name: string) => name === region || name.startsWith(`${region}_`);
  if (own !== undefined && isOf(own.name)) {
    return { point, state: 'ok', text: `${projectId} is ${own.name}` };
  }
  const right = projects.find(({ name }) => isOf(name));
  const text =
    own === undefined
      ? `HUAWEICLOUD_SDK_PROJECT_ID ${projectId} is not a project of this account`
      : `HUAWEICLOUD_SDK_PROJECT_ID ${projectId} belongs to ${own.name}, not to ${region}`;
  const todo =
    right === undefined
      ? `the account has no project in ${region}: open the console once with that region chosen, or choose another region`
      : `set HUAWEICLOUD_SDK_PROJECT_ID=${right.id} (${right.name})`;
  return { point, state: 'missing', text, todo };
}

function clockFinding(date: string | null): Finding {
  const point = 'clock';
  const skewMs = Math.abs(Date.now() - Date.parse(date ?? ''));
  // NaN: the answer has no time, but the signature was accepted.
  if (!(skewMs > WORRYING_SKEW_MS))
    return { point, state: 'ok', text: 'close enough to the clock of the cloud' };
  return {
    point,
    state: 'note',
    text: `differs by ${Math.round(skewMs / 60_000)} min from that of the cloud, which allows 15`,
    todo: 'set the clock of this machine by NTP',
  };
}

function refused(error: CallFailed): Account {
  const { status, message } = error;
  const times = /signature time: ?(\w+), ?server time: ?(\w+)/i.exec(message);
  if (times !== null || /signature expired/i.test(message)) {
    const shown = times === null ? '' : `: it says ${times[1]}, the cloud ${times[2]}`;
    return stop({
      point: 'clock',
      state: 'missing',
      text: `the clock of this machine differs by more than 15 min from that of the cloud${shown}`,
      todo: 'set the clock of this machine by NTP',
    });
  }
  if (status === 401) {
    return stop({
      point: 'access key',
      state: 'missing',
      text: whyRefused(message),
      todo: 'make a new key in the console (My Credentials, Access Keys), set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK; temporary keys need HUAWEICLOUD_SDK_SECURITY_TOKEN too',
    });
  }
  if (status === 403) {
    return {
      isKnown: true,
      findings: [
        { point: 'access key', state: 'ok', text: 'IAM knows it' },
        {
          point: 'project',
          state: 'unseen',
          text: 'the key may not list projects',
          todo: 'compare HUAWEICLOUD_SDK_PROJECT_ID with the console (My Credentials, API Credentials)',
        },
      ],
    };
  }
  // Nothing was checked: that must not look like a stage in which nothing is missing.
  return stop({
    point: 'IAM',
    state: 'missing',
    text: message,
    todo: 'check the network, and IAM_ENDPOINT if it is set',
  });
}

function whyRefused(message: string): string {
  if (/not exist/i.test(message))
    return 'HUAWEICLOUD_SDK_AK is unknown: it was deleted, or has a typing error';
  if (/security ?token|decrypt token/i.test(message)) {
    return 'HUAWEICLOUD_SDK_SECURITY_TOKEN is missing, expired or belongs to another key';
  }
  return 'the signature is wrong: HUAWEICLOUD_SDK_SK does not belong to HUAWEICLOUD_SDK_AK';
}

function stop(finding: Finding): Account {
  return { findings: [finding], isKnown: false };
}
