import type { CloudApi } from '../cloud-api';
import { type DesiredState, ownerMark } from '../desired-state';
import { apiText, type DesiredAccess, type DesiredApi, nameIn } from './desired-access';
import {
  type Acl,
  type App,
  type AuthorizedApp,
  type BoundAcl,
  type BoundThrottle,
  GatewayApi,
  type GatewayLimits,
  gatewayLimits,
  type Throttle,
} from './gateway-api';

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
  /** The API that every user of the cloud may call until this step is carried out. */
  closes?: string;
  /** @throws CallFailed */
  carryOut(): Promise<void>;
}

/** An API in the gateway, and what is bound to it. */
interface LiveAccess {
  id: string;
  auth: string | undefined;
  publishId: string | undefined;
  apps: readonly AuthorizedApp[];
  throttle: BoundThrottle | undefined;
  acls: readonly BoundAcl[];
}

interface Live {
  callers: readonly App[];
  throttles: readonly Throttle[];
  acls: readonly Acl[];
  apis: readonly { desired: DesiredApi; live: LiveAccess | undefined }[];
}

const NOTHING: AccessPlan = { steps: [], warnings: [], unlisted: [] };

/**
 * Compares the desired access with the live one. What others bound to an API stays, with a warning.
 * @param only these functions, by their names in `serverless.yml`; absent: all
 * @throws CallFailed
 */
export async function planAccess(
  desired: Pick<DesiredState, 'service' | 'stage' | 'access'>,
  cloud: CloudApi,
  only?: readonly string[],
): Promise<AccessPlan> {
  const { access } = desired;
  if (access === undefined) return NOTHING;
  const apis = access.apis.filter(({ key }) => only === undefined || only.includes(key));
  const warnings = apis
    .filter(({ auth }) => auth === 'IAM' && access.openToAllUsers)
    .map((api) => `${apiText(api)} is open to every user of Huawei Cloud (openToAllUsers)`);
  if (access.instanceId === undefined || apis.length === 0) return { ...NOTHING, warnings };
  const gateway = new GatewayApi(cloud, access.instanceId);
  const live = await look(gateway, desired, access, apis);
  const context = { desired, access, gateway, live, warnings };
  const unlisted = live.apis
    .filter(({ live: is }) => is?.publishId === undefined)
    .map(({ desired: api }) => apiText(api));
  return {
    // Who may call comes first: whatever fails later, the API is not open.
    steps: [...accounts(context), ...throttling(context), ...authorizations(context)],
    warnings: [...openedByHand(live), ...warnings],
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
  desired: Pick<DesiredState, 'service' | 'stage' | 'access'>,
  cloud: CloudApi,
): Promise<string[]> {
  const { access } = desired;
  if (access?.instanceId === undefined) return [];
  const gateway = new GatewayApi(cloud, access.instanceId);
  const [throttles, acls] = await Promise.all([gateway.throttles(), gateway.acls()]);
  const ownThrottles = throttles.filter((one) => isOwnThrottle(one, desired));
  const ownAcls = acls.filter(({ acl_name }) => acl_name === nameIn(desired, ACCOUNTS));
  for (const { id } of ownThrottles) await gateway.deleteThrottle(id);
  for (const { id } of ownAcls) await gateway.deleteAcl(id);
  return [...ownThrottles.map(({ name }) => name), ...ownAcls.map(({ acl_name }) => acl_name)];
}

interface Context {
  desired: Pick<DesiredState, 'service' | 'stage'>;
  access: DesiredAccess;
  gateway: GatewayApi;
  live: Live;
  warnings: string[];
}

async function look(
  gateway: GatewayApi,
  desired: Pick<DesiredState, 'service' | 'stage'>,
  { groupId, envId }: DesiredAccess,
  desiredApis: readonly DesiredApi[],
): Promise<Live> {
  const [found, callers, throttles, acls] = await Promise.all([
    gateway.apis(groupId, envId),
    callersOf(gateway, desired),
    gateway.throttles(),
    gateway.acls(),
  ]);
  const apis = await Promise.all(
    desiredApis.map(async (one) => {
      const api = found.find(({ req_method, req_uri }) => req_method === one.method && req_uri === one.path);
      if (api === undefined) return { desired: one, live: undefined };
      const [apps, throttle, bound] = await Promise.all([
        gateway.appsOf(api.id, envId),
        gateway.throttleOf(api.id, envId),
        gateway.aclsOf(api.id, envId),
      ]);
      const live = {
        id: api.id,
        auth: api.auth_type ?? undefined,
        publishId: api.publish_id ?? undefined,
        apps,
        throttle,
        acls: bound,
      };
      return { desired: one, live };
    }),
  );
  return {
    callers,
    throttles: throttles.filter((one) => isOwnThrottle(one, desired)),
    acls: acls.filter(({ acl_name }) => acl_name === nameIn(desired, ACCOUNTS)),
    apis,
  };
}

/** Warnings of APIs whose authentication was changed in the gateway: their triggers do not show it. */
function openedByHand({ apis }: Live): string[] {
  return apis.flatMap(({ desired: { auth, ...api }, live }) =>
    live?.auth === undefined || live.auth === auth
      ? []
      : [
          `${apiText(api)} has the authentication ${live.auth} in the gateway, serverless.yml says ${auth}: delete its trigger, and deploy again`,
        ],
  );
}

/** The last part of the name of the access policy for accounts. */
const ACCOUNTS = 'accounts';
/** The policy names accounts by their ids: names can be chosen. */
const ENTITY = 'DOMAIN_ID';

/** The remark decides, because names of stage `eu` and of stage `eu--test` have the same beginning. */
function isOwnThrottle(
  { name, remark }: Throttle,
  desired: Pick<DesiredState, 'service' | 'stage'>,
): boolean {
  return name.startsWith(nameIn(desired, '')) && (remark == null || remark.endsWith(ownerMark(desired)));
}

/** The name contains function and API, so that no two APIs share limits. */
function policyName(
  desired: Pick<DesiredState, 'service' | 'stage'>,
  { key, method, path }: DesiredApi,
): string {
  return nameIn(desired, `${key}_${method.toLowerCase()}${path}`).replace(/_+$/, '');
}

/** One throttling policy for each API, so that each has its own limits. */
function throttling({ desired, gateway, live, warnings }: Context): AccessStep[] {
  const mark = ownerMark(desired);
  return live.apis.flatMap(({ desired: api, live: is }): AccessStep[] => {
    const name = policyName(desired, api);
    const bound = is?.throttle;
    const isOwn = bound !== undefined && isOwnThrottle(bound, desired);
    if (api.throttle === undefined) {
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
    const limits = gatewayLimits(api.throttle, api.auth);
    if (bound !== undefined && hasLimits(bound, limits)) return [];
    const text = `throttling of ${apiText(api)}: ${limits.api} calls a minute, ${limits.app} of one caller`;
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

/** False also for what was set by hand: another limit, or one that all APIs share. */
function hasLimits(is: Throttle, { api, app, account }: GatewayLimits): boolean {
  const isPerMinute = is.time_interval === 1 && is.time_unit === 'MINUTE';
  const isPlain = (is.type ?? 1) === 1 && (is.ip_call_limits ?? 0) === 0;
  const isSame = is.api_call_limits === api && is.app_call_limits === app && is.user_call_limits === account;
  return isPerMinute && isPlain && isSame;
}

/** The access policy for the named accounts: with authentication IAM alone every user of the cloud could call. */
function accounts({ desired, access, gateway, live, warnings }: Context): AccessStep[] {
  const name = nameIn(desired, ACCOUNTS);
  const known = live.acls.find(({ acl_name }) => acl_name === name);
  const isRight = known !== undefined && admitsOnly(known, access.allowAccounts);
  let policyId = known?.id;
  const policy = async (): Promise<string> => {
    if (policyId !== undefined && !isRight) await gateway.updateAcl(policyId, name, access.allowAccounts);
    policyId ??= await gateway.createAcl(name, access.allowAccounts);
    return policyId;
  };
  const list = access.allowAccounts.join(', ');
  return live.apis.flatMap(({ desired: api, live: is }): AccessStep[] => {
    const bound = is?.acls.find(({ acl_name }) => acl_name === name);
    if (api.auth !== 'IAM' || access.openToAllUsers) {
      if (bound === undefined) return [];
      const carryOut = () => gateway.unbindAcl(bound.bind_id);
      return [{ text: `- access policy of ${apiText(api)}`, carryOut }];
    }
    if (bound !== undefined && isRight) return [];
    // The gateway takes one policy of each kind: binding ours would end this one.
    const foreign = is?.acls.find(({ entity_type }) => entity_type === ENTITY);
    if (bound === undefined && foreign !== undefined) {
      const others = foreign.acl_type === 'DENY' ? ', and lets all other users of Huawei Cloud call' : '';
      warnings.push(
        `${apiText(api)} has the access policy ${foreign.acl_name}, which this command did not create and leaves unchanged: it decides who may call, not allowAccounts${others}`,
      );
      return [];
    }
    const carryOut = async (): Promise<void> => {
      const id = await policy();
      if (bound === undefined && is?.publishId !== undefined) await gateway.bindAcl(id, [is.publishId]);
    };
    return [
      {
        text: `${bound === undefined ? '+' : '~'} access policy of ${apiText(api)}: accounts ${list}`,
        closes: apiText(api),
        carryOut,
      },
    ];
  });
}

function admitsOnly({ acl_type, entity_type, acl_value }: Acl, accounts: readonly string[]): boolean {
  return (
    acl_type === 'PERMIT' &&
    entity_type === ENTITY &&
    acl_value.split(',').toSorted().join() === accounts.toSorted().join()
  );
}

/** Every caller of the stage may call every API with authentication APP. */
function authorizations({ access, gateway, live, desired, warnings }: Context): AccessStep[] {
  const apis = live.apis.filter(({ desired: { auth } }) => auth === 'APP');
  if (apis.length === 0) return [];
  for (const { desired: api, live: is } of apis) {
    const others = (is?.apps ?? []).filter(({ id }) => !live.callers.some((caller) => caller.id === id));
    if (others.length === 0) continue;
    const names = others.map(({ name }) => name).join(', ');
    warnings.push(
      `${apiText(api)} may also be called by ${names}: this command did not create or authorize that, and leaves it unchanged`,
    );
  }
  if (live.callers.length === 0) {
    warnings.push(
      `nobody may call the API yet: npm run callers -- --stage ${desired.stage} add NAME creates a key`,
    );
    return [];
  }
  return apis.flatMap(({ desired: api, live: is }): AccessStep[] => {
    const missing = live.callers.filter(({ id }) => is?.apps.some((app) => app.id === id) !== true);
    if (missing.length === 0) return [];
    const names = missing.map(({ name }) => callerName(name, desired)).join(', ');
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
