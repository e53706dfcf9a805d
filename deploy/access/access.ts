import type { CloudApi } from '../cloud-api';
import { type DesiredState, ownerMark } from '../desired-state';
import {
  type Acl,
  type App,
  type BoundAcl,
  type BoundThrottle,
  GatewayApi,
  type Limits,
  type Throttle,
} from './gateway-api';
import { apiText, nameIn, type WantedAccess, type WantedApi } from './wanted-access';

/** The changes to callers, policies and limits. */
export interface AccessPlan {
  steps: readonly AccessStep[];
  /** Facts that the user should know, but that need no change. */
  warnings: readonly string[];
  /** APIs that the gateway does not list yet, for example `POST /snapshots`: nothing can be bound to them. */
  unlisted: readonly string[];
}

export interface AccessStep {
  /** For people, for example `+ throttling of POST /snapshots: 20 calls a minute, 10 of one caller`. */
  text: string;
  /** @throws CallFailed */
  carryOut(): Promise<void>;
}

/** An API in the gateway, and what is bound to it. */
interface LiveAccess {
  id: string;
  publishId: string | undefined;
  appIds: readonly string[];
  throttle: BoundThrottle | undefined;
  acls: readonly BoundAcl[];
}

interface Live {
  callers: readonly App[];
  throttles: readonly Throttle[];
  acls: readonly Acl[];
  apis: readonly { wanted: WantedApi; live: LiveAccess | undefined }[];
}

const NOTHING: AccessPlan = { steps: [], warnings: [], unlisted: [] };

/**
 * Compares the wanted access with the live one. What others bound to an API stays, with a warning.
 * @param only these functions, by their names in `serverless.yml`; absent: all
 * @throws CallFailed
 */
export async function planAccess(
  wanted: Pick<DesiredState, 'service' | 'stage' | 'access'>,
  cloud: CloudApi,
  only?: readonly string[],
): Promise<AccessPlan> {
  const { access } = wanted;
  if (access === undefined) return NOTHING;
  const apis = access.apis.filter(({ key }) => only === undefined || only.includes(key));
  const warnings = apis
    .filter(({ auth }) => auth === 'IAM' && access.openToAllUsers)
    .map((api) => `${apiText(api)} is open to every user of Huawei Cloud (openToAllUsers)`);
  if (access.instanceId === undefined || apis.length === 0) return { ...NOTHING, warnings };
  const gateway = new GatewayApi(cloud, access.instanceId);
  const live = await look(gateway, wanted, access, apis);
  const context = { wanted, access, gateway, live, warnings };
  const unlisted = live.apis
    .filter(({ live: is }) => is?.publishId === undefined)
    .map(({ wanted: api }) => apiText(api));
  return {
    steps: [...throttling(context), ...accounts(context), ...authorizations(context)],
    warnings,
    unlisted,
  };
}

/** The apps of a stage. Each is a caller. @throws CallFailed */
export async function callersOf(
  gateway: GatewayApi,
  stage: Pick<DesiredState, 'service' | 'stage'>,
): Promise<App[]> {
  return (await gateway.apps()).filter(({ remark }) => (remark ?? '').endsWith(ownerMark(stage)));
}

/** Deletes the policies of a stage. Its callers keep their keys. @throws CallFailed */
export async function removePolicies(
  wanted: Pick<DesiredState, 'service' | 'stage' | 'access'>,
  cloud: CloudApi,
): Promise<string[]> {
  const { access } = wanted;
  if (access?.instanceId === undefined) return [];
  const gateway = new GatewayApi(cloud, access.instanceId);
  const [throttles, acls] = await Promise.all([gateway.throttles(), gateway.acls()]);
  const ownThrottles = throttles.filter((one) => isOwnThrottle(one, wanted));
  const ownAcls = acls.filter(({ acl_name }) => acl_name === nameIn(wanted, ACCOUNTS));
  for (const { id } of ownThrottles) await gateway.deleteThrottle(id);
  for (const { id } of ownAcls) await gateway.deleteAcl(id);
  return [...ownThrottles.map(({ name }) => name), ...ownAcls.map(({ acl_name }) => acl_name)];
}

interface Context {
  wanted: Pick<DesiredState, 'service' | 'stage'>;
  access: WantedAccess;
  gateway: GatewayApi;
  live: Live;
  warnings: string[];
}

async function look(
  gateway: GatewayApi,
  wanted: Pick<DesiredState, 'service' | 'stage'>,
  { groupId, envId }: WantedAccess,
  wantedApis: readonly WantedApi[],
): Promise<Live> {
  const [found, callers, throttles, acls] = await Promise.all([
    gateway.apis(groupId, envId),
    callersOf(gateway, wanted),
    gateway.throttles(),
    gateway.acls(),
  ]);
  const apis = await Promise.all(
    wantedApis.map(async (one) => {
      const api = found.find(({ req_method, req_uri }) => req_method === one.method && req_uri === one.path);
      if (api === undefined) return { wanted: one, live: undefined };
      const [appIds, throttle, bound] = await Promise.all([
        gateway.appsOf(api.id, envId),
        gateway.throttleOf(api.id, envId),
        gateway.aclsOf(api.id, envId),
      ]);
      const live = { id: api.id, publishId: api.publish_id ?? undefined, appIds, throttle, acls: bound };
      return { wanted: one, live };
    }),
  );
  return {
    callers,
    throttles: throttles.filter((one) => isOwnThrottle(one, wanted)),
    acls: acls.filter(({ acl_name }) => acl_name === nameIn(wanted, ACCOUNTS)),
    apis,
  };
}

/** The last part of the name of the access policy for accounts. */
const ACCOUNTS = 'accounts';

/** The remark decides, because names of stage `eu` and of stage `eu--test` have the same beginning. */
function isOwnThrottle({ name, remark }: Throttle, wanted: Pick<DesiredState, 'service' | 'stage'>): boolean {
  return name.startsWith(nameIn(wanted, '')) && (remark == null || remark.endsWith(ownerMark(wanted)));
}

/** The name contains function and API, so that no two APIs share limits. */
function policyName(
  wanted: Pick<DesiredState, 'service' | 'stage'>,
  { key, method, path }: WantedApi,
): string {
  return nameIn(wanted, `${key}_${method.toLowerCase()}${path}`).replace(/_+$/, '');
}

/** One throttling policy for each API, so that each has its own limits. */
function throttling({ wanted, gateway, live, warnings }: Context): AccessStep[] {
  const mark = ownerMark(wanted);
  return live.apis.flatMap(({ wanted: api, live: is }): AccessStep[] => {
    const name = policyName(wanted, api);
    const bound = is?.throttle;
    const isOwn = bound !== undefined && isOwnThrottle(bound, wanted);
    const { throttle: limits } = api;
    if (limits === undefined) {
      if (!isOwn) return [];
      return [
        { text: `- throttling of ${apiText(api)}`, carryOut: () => gateway.unbindThrottle(bound.bind_id) },
      ];
    }
    if (bound !== undefined && !isOwn) {
      warnings.push(
        `${apiText(api)} has the throttling policy ${bound.name}, which this command did not create and leaves unchanged`,
      );
      return [];
    }
    if (bound !== undefined && hasLimits(bound, limits)) return [];
    const text = `throttling of ${apiText(api)}: ${limits.api} calls a minute, ${limits.caller} of one caller`;
    const known = live.throttles.find((one) => one.name === name);
    const carryOut = async (): Promise<void> => {
      if (known !== undefined && !hasLimits(known, limits))
        await gateway.updateThrottle(known.id, name, mark, limits);
      const id = known?.id ?? (await gateway.createThrottle(name, mark, limits));
      if (bound?.id !== id && is?.publishId !== undefined) await gateway.bindThrottle(id, [is.publishId]);
    };
    return [{ text: `${bound === undefined ? '+' : '~'} ${text}`, carryOut }];
  });
}

function hasLimits(
  { api_call_limits, app_call_limits, time_interval, time_unit }: Throttle,
  limits: Limits,
): boolean {
  const isPerMinute = time_interval === 1 && time_unit === 'MINUTE';
  return isPerMinute && api_call_limits === limits.api && app_call_limits === limits.caller;
}

/** The access policy for the named accounts: with authentication IAM alone every user of the cloud could call. */
function accounts({ wanted, access, gateway, live }: Context): AccessStep[] {
  const name = nameIn(wanted, ACCOUNTS);
  const known = live.acls.find(({ acl_name }) => acl_name === name);
  const isRight = known !== undefined && hasAccounts(known.acl_value, access.allowAccounts);
  let policyId = known?.id;
  const policy = async (): Promise<string> => {
    if (policyId !== undefined && !isRight) await gateway.updateAcl(policyId, name, access.allowAccounts);
    policyId ??= await gateway.createAcl(name, access.allowAccounts);
    return policyId;
  };
  const list = access.allowAccounts.join(', ');
  return live.apis.flatMap(({ wanted: api, live: is }): AccessStep[] => {
    const bound = is?.acls.find(({ acl_name }) => acl_name === name);
    if (api.auth !== 'IAM' || access.openToAllUsers) {
      if (bound === undefined) return [];
      const carryOut = () => gateway.unbindAcl(bound.bind_id);
      return [{ text: `- access policy of ${apiText(api)}`, carryOut }];
    }
    if (bound !== undefined && isRight) return [];
    const carryOut = async (): Promise<void> => {
      const id = await policy();
      if (bound === undefined && is?.publishId !== undefined) await gateway.bindAcl(id, [is.publishId]);
    };
    return [
      {
        text: `${bound === undefined ? '+' : '~'} access policy of ${apiText(api)}: accounts ${list}`,
        carryOut,
      },
    ];
  });
}

function hasAccounts(value: string, accounts: readonly string[]): boolean {
  return value.split(',').toSorted().join() === [...accounts].toSorted().join();
}

/** Every caller of the stage may call every API with authentication APP. */
function authorizations({ access, gateway, live, wanted, warnings }: Context): AccessStep[] {
  const apis = live.apis.filter(({ wanted: { auth } }) => auth === 'APP');
  if (apis.length === 0) return [];
  if (live.callers.length === 0) {
    warnings.push(
      `nobody may call the API yet: npm run callers -- --stage ${wanted.stage} add NAME creates a key`,
    );
    return [];
  }
  return apis.flatMap(({ wanted: api, live: is }): AccessStep[] => {
    const missing = live.callers.filter(({ id }) => is?.appIds.includes(id) !== true);
    if (missing.length === 0) return [];
    const names = missing.map(({ name }) => callerName(name, wanted)).join(', ');
    const carryOut = async (): Promise<void> => {
      if (is === undefined) return;
      await gateway.authorize(
        missing.map(({ id }) => id),
        [is.id],
        access.envId,
      );
    };
    return [{ text: `+ ${apiText(api)} for ${names}`, carryOut }];
  });
}

/** The caller's name, from the name of its app. */
export function callerName(appName: string, stage: Pick<DesiredState, 'service' | 'stage'>): string {
  const prefix = nameIn(stage, '');
  return appName.startsWith(prefix) ? appName.slice(prefix.length) : appName;
}
