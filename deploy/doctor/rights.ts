import { type DesiredState, foldersOfCaptures, removesWhatIsGone } from '../desired-state';

/** A statement of a policy, in IAM's form. */
export interface Statement {
  Effect: string;
  Action: readonly string[];
  Resource?: readonly string[] | undefined;
}

/** A role or policy. */
export interface Role {
  displayName: string;
  statements: readonly Statement[];
}

/** A permission. */
export interface Right {
  action: string;
  /** Without account and region: `bucket:videos`, `object:snapshots/*`. Absent for services without resources. */
  resource?: string;
}

/** The rights that the functions' agency needs. */
export interface LeastPolicies {
  /** A system role, for the project of the region: MPC has no finer rights without identity policies. */
  projectRole: string;
  /** A custom policy, for global services. */
  globalPolicy: { Version: '1.1'; Statement: Allowed[] };
}

type Allowed = { Effect: 'Allow'; Action: string[]; Resource: string[] };

/** The limit of resources in one statement (IAM API reference, creating a custom policy). */
const MAX_RESOURCES = 10;

/** One statement for every ten resources. */
function statements(Action: string[], resources: readonly string[]): Allowed[] {
  const count = Math.ceil(resources.length / MAX_RESOURCES);
  return Array.from({ length: count }, (_, index) => ({
    Effect: 'Allow',
    Action,
    Resource: resources.slice(index * MAX_RESOURCES, (index + 1) * MAX_RESOURCES),
  }));
}

export const MPC_ROLE = 'MPC Administrator';

/** The services that well-known system roles allow: their statements use an older syntax. */
const SERVICES_OF_ROLES: Readonly<Record<string, readonly string[]>> = {
  [MPC_ROLE]: ['mpc'],
  'Tenant Administrator': ['mpc', 'obs', 'functiongraph'],
  'OBS Administrator': ['obs'],
  'OBS FullAccess': ['obs'],
};

/** Rights that the functions never need: an agency with one of them has too many rights. */
const NEVER_NEEDED: readonly Right[] = [
  { action: 'obs:object:DeleteObject', resource: 'object:a-bucket-of-somebody/*' },
  { action: 'obs:object:GetObject', resource: 'object:a-bucket-of-somebody/*' },
  { action: 'obs:bucket:DeleteBucket', resource: 'bucket:a-bucket-of-somebody' },
  { action: 'functiongraph:function:deleteFunction' },
  { action: 'iam:agencies:createAgency' },
];

/** The buckets that the functions of a stage read and write. */
function bucketsOf({ functions }: DesiredState): { read: string[]; written: string[] } {
  const values = (key: string) =>
    functions.flatMap(({ userData }) => (userData[key] ?? '').split(',').map((name) => name.trim()));
  const unique = (names: string[]) => [...new Set(names.filter((name) => name !== ''))];
  return { read: unique(values('UPLOAD_BUCKETS')), written: unique(values('SNAPSHOT_BUCKET')) };
}

/** Buckets to which FunctionGraph writes failed events, with the agency's rights. */
function failureBuckets({ functions }: DesiredState): string[] {
  const targets = functions.map(({ asynchronous }) => asynchronous?.destination_config.on_failure);
  const named = targets.filter((target) => target?.destination === 'OBS');
  return [...new Set(named.map((target) => String(Object(JSON.parse(target?.param ?? '{}')).bucket)))];
}

/** Folders of records that are deleted when a video is gone. */
const RECORDS_OF_VIDEOS = ['claims', 'tasks', 'finished', 'removed'];
/** The default of OUTPUT_DIRECTORY. */
const OUTPUT_DIRECTORY = 'snapshots/{key}';

/** Keys of the snapshot bucket below which the functions delete. */
function deletedBelow({ functions }: DesiredState): string[] {
  const records = (folders: readonly string[]) => folders.map((folder) => `.mpc-snapshots/${folder}/`);
  // Sent notices, started uploads and finished tasks: without ON_REMOVAL nothing else is ever deleted.
  const always = records(['notices', 'waiting', 'later', 'found']);
  const removing = functions.filter(({ userData }) => removesWhatIsGone(userData));
  if (removing.length === 0) return always;
  const pictures = removing.flatMap(({ userData }) => [
    (userData.OUTPUT_DIRECTORY ?? OUTPUT_DIRECTORY).split('{')[0] ?? '',
    ...foldersOfCaptures(userData.CAPTURES ?? ''),
  ]);
  return [...always, ...records(RECORDS_OF_VIDEOS), ...new Set(pictures)];
}

/** The least rights with which the functions of a stage work. */
export function leastPolicies(desired: DesiredState): LeastPolicies {
  const { read, written } = bucketsOf(desired);
  const failed = failureBuckets(desired);
  const buckets = [...new Set([...read, ...written])];
  return {
    projectRole: MPC_ROLE,
    globalPolicy: {
      Version: '1.1',
      Statement: [
        // The sweep lists uploads; `?object=` lists records.
        ...statements(
          ['obs:bucket:ListBucket'],
          buckets.map((bucket) => `OBS:*:*:bucket:${bucket}`),
        ),
        // Records, pictures behind temporary addresses, failed events.
        ...statements(
          ['obs:object:GetObject', 'obs:object:PutObject'],
          [...new Set([...written, ...failed])].map((bucket) => `OBS:*:*:object:${bucket}/*`),
        ),
        ...statements(
          ['obs:object:DeleteObject'],
          written.flatMap((bucket) =>
            deletedBelow(desired).map((place) => `OBS:*:*:object:${bucket}/${place}*`),
          ),
        ),
        // FunctionGraph's asynchronous notification to OBS needs these two as well, and PutObject.
        ...statements(
          ['obs:bucket:HeadBucket', 'obs:bucket:CreateBucket'],
          failed.map((bucket) => `OBS:*:*:bucket:${bucket}`),
        ),
      ],
    },
  };
}

/** The rights of `leastPolicies` that the roles do not give. */
export function rightsLacking(desired: DesiredState, roles: readonly Role[]): Right[] {
  const { globalPolicy } = leastPolicies(desired);
  const needed: Right[] = [
    { action: 'mpc:thumbnailsTask:create' },
    ...globalPolicy.Statement.flatMap(({ Action, Resource }) =>
      Action.flatMap((action) =>
        Resource.map((resource) => ({ action, resource: resource.replace('OBS:*:*:', '') })),
      ),
    ),
  ];
  return needed.filter((right) => !isAllowed(right, roles));
}

/** Rights to delete that only ON_REMOVAL: delete needs, but that the roles still give without it. */
export function rightsToSpare(desired: DesiredState, roles: readonly Role[]): Right[] {
  if (desired.functions.some(({ userData }) => removesWhatIsGone(userData))) return [];
  const narrow = roles.filter((role) => rolesTooWide([role]).length === 0);
  return bucketsOf(desired)
    .written.flatMap((bucket) =>
      RECORDS_OF_VIDEOS.map((folder) => ({
        action: 'obs:object:DeleteObject',
        resource: `object:${bucket}/.mpc-snapshots/${folder}/*`,
      })),
    )
    .filter((right) => isAllowed(right, narrow));
}

/** Names of the roles that give rights which the functions never need. */
export function rolesTooWide(roles: readonly Role[]): string[] {
  return roles
    .filter((role) => NEVER_NEEDED.some((right) => isAllowed(right, [role])))
    .map(({ displayName }) => displayName);
}

/** True if a role allows it and none denies it. */
function isAllowed(right: Right, roles: readonly Role[]): boolean {
  const service = right.action.split(':')[0] ?? '';
  const statements = roles.flatMap((role) => role.statements);
  const isDenied = statements.some(
    ({ Effect, ...statement }) => Effect === 'Deny' && covers(statement, right),
  );
  if (isDenied) return false;
  return (
    roles.some(({ displayName }) => SERVICES_OF_ROLES[displayName]?.includes(service)) ||
    statements.some(({ Effect, ...statement }) => Effect === 'Allow' && covers(statement, right))
  );
}

function covers({ Action, Resource }: Omit<Statement, 'Effect'>, { action, resource }: Right): boolean {
  if (!Action.some((pattern) => matches(pattern, action))) return false;
  return (
    resource === undefined ||
    Resource === undefined ||
    Resource.some((pattern) => matches(pattern, `obs:*:*:${resource}`))
  );
}

/** IAM's patterns have only `*`; names of services and actions are not case-sensitive. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(text);
}
