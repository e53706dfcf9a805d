import type { DesiredState } from '../desired-state';
import { DeployError } from '../errors';
import type { CommandOptions } from '../framework';
import type { FunctionGraphApi } from '../functiongraph-api';
import { checkAccount } from './account';
import { checkAgencies } from './agency';
import { checkBuckets } from './buckets';
import { probeConditionalWrites } from './conditional-writes';
import { checkEventGrid } from './event-grid';
import type { Finding, State } from './finding';
import { checkFunctions } from './functions';
import { checkAccess, checkGateway } from './gateway';
import { checkLogs } from './logs';
import { checkNeighbours } from './neighbours';
import { checkNotifications } from './notifications';
import { checkPace } from './pace';
import { checkPublicUrl } from './public-url';
import { checkRegion } from './region';
import { leastPolicies } from './rights';
import { checkSettings } from './settings';
import { checkStorage } from './storage';
import { checkVersioning } from './versioning';

export interface Visit {
  stage: string;
  /** @throws DeployError for mistakes in `serverless.yml` and its parameters */
  readDesiredState(): DesiredState;
  /** @throws DeployError for missing environment variables */
  openApi(): FunctionGraphApi;
  options: CommandOptions;
  print: (line: string) => void;
}

/**
 * Checks everything that a stage needs, with GET only, and prints what exists, what is missing and what to do;
 * with `json` for programs. With `probe` it also tests conditional writes: it writes one object and deletes it. With
 * `policy` it only prints the policy of the agency.
 * @returns false when something is missing
 */
export async function doctor(visit: Visit): Promise<boolean> {
  const { stage, options, print } = visit;
  if (options.policy === true) {
    print(JSON.stringify(leastPolicies(visit.readDesiredState()).globalPolicy, null, 2));
    return true;
  }
  const findings = await examine(visit);
  const ok = findings.every(({ state }) => state !== 'missing');
  if (options.json === true) print(JSON.stringify({ stage, ok, findings }, null, 2));
  else findingsText(findings).forEach(print);
  return ok;
}

async function examine({ readDesiredState, openApi, options }: Visit): Promise<Finding[]> {
  const [desired, mistakes] = attempt(readDesiredState, 'serverless.yml');
  const [api, gaps] = attempt(openApi, 'environment');
  if (desired === undefined || api === undefined) return [...mistakes, ...gaps];
  const findings = await diagnose(desired, api);
  if (options.probe !== true) return findings;
  return [...findings, ...(await probeConditionalWrites(desired, api.cloud.connection))];
}

/** Turns the errors of an opening step into findings, so that the doctor reports everything at once. */
function attempt<T>(open: () => T, point: string): [T | undefined, Finding[]] {
  try {
    return [open(), []];
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return [
      undefined,
      error.lines.map((line) => ({ point, state: 'missing', text: line.replace(`${point}: `, '') })),
    ];
  }
}

/** All findings about a stage, in the order of setting it up. */
export async function diagnose(desired: DesiredState, api: FunctionGraphApi): Promise<Finding[]> {
  const { cloud } = api;
  const offline = checkSettings(desired);
  const account = await checkAccount(cloud);
  // With a wrong key every other question would fail in the same way.
  if (!account.isKnown) return [...account.findings, ...offline];
  const looks = await Promise.all([
    checkBuckets(desired, cloud),
    checkVersioning(desired, cloud),
    checkStorage(desired, cloud),
    checkNeighbours(desired, api),
    checkAgencies(desired, account.domainId, cloud),
    checkGateway(desired, cloud),
    checkAccess(desired, cloud),
    checkFunctions(desired, api),
    checkRegion(desired, api),
    checkNotifications(desired, cloud),
    checkEventGrid(desired, cloud),
    checkLogs(desired, cloud),
    checkPublicUrl(desired, cloud),
  ]);
  const [buckets, versions, storage, neighbours, agencies, gateway, access, functions, region, ...others] =
    looks;
  const [notifications, eventGrid, logs, publicUrl] = others;
  return [
    ...account.findings,
    ...region,
    ...offline,
    ...buckets,
    ...versions,
    ...storage,
    ...neighbours,
    ...agencies,
    ...gateway,
    ...access,
    ...checkPace(desired),
    ...eventGrid,
    ...notifications,
    ...publicUrl,
    ...logs,
    ...functions,
  ];
}

const WORDS: Readonly<Record<State, string>> = {
  ok: 'ok',
  missing: 'missing',
  unseen: 'cannot be seen',
  note: 'note',
};

/** Findings for people: a line for each, what to do below it, and a total at the end. */
export function findingsText(findings: readonly Finding[]): string[] {
  const width = Math.max(...Object.values(WORDS).map(({ length }) => length)) + 2;
  const lines = findings.flatMap(({ point, state, text, todo }) => [
    `${WORDS[state].padEnd(width)}${point}: ${text}`,
    ...(todo === undefined ? [] : [`${' '.repeat(width)}→ ${todo}`]),
  ]);
  const sum = (['ok', 'missing', 'unseen', 'note'] as const)
    .map((state) => ({ state, count: findings.filter((finding) => finding.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${WORDS[state]}`);
  return [...lines, '', sum.join(', ')];
}
