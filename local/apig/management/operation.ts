import * as z from 'zod';
import type { ApiRoute } from '../../functiongraph/functiongraph';
import { parseJson } from '../../parse-json';
import type { SignedOperation } from '../../signed-server';
import {
  type AccessBook,
  type AccessPolicy,
  type AccessPolicyContent,
  type App,
  type AppAuthorization,
  type AppCode,
  type Binding,
  publishIdOf,
  type Throttle,
} from '../access-book';
import { aclNameTaken, appNameTaken, invalidParameter, notFound, throttleNameTaken } from './errors';
import type { ApiGroup, GatewayBook, GatewayInstance } from './gateway-book';

/** What the operations work on. */
export interface Service {
  gateways: GatewayBook;
  /** Whether a group has published APIs. */
  hasApis(groupId: string): boolean;
  /** Who may call the APIs of the gateway in a path. @throws Refused APIG.3030 */
  access(names: Readonly<Record<string, string>>): AccessBook;
  /** The APIs of the gateway in a path. */
  apis(names: Readonly<Record<string, string>>): readonly ApiRoute[];
}

export type Operation = SignedOperation<Service>;

const MAX_PAGE = 500;
const DEFAULT_PAGE = 20;

/** A page of a list, with its size and the total. */
export function page<T>(all: readonly T[], query: URLSearchParams) {
  const offset = Math.max(0, Number(query.get('offset') ?? 0) || 0);
  const asked = Number(query.get('limit') ?? DEFAULT_PAGE);
  const limit = asked > 0 ? Math.min(asked, MAX_PAGE) : DEFAULT_PAGE;
  const items = all.slice(offset, offset + limit);
  return { size: items.length, total: all.length, items };
}

/** A group as API Gateway shows it (SDK model of ListApiGroupsV2). */
export function groupView({ id, name, remark = '' }: ApiGroup) {
  const time = '2026-01-01T00:00:00Z';
  return {
    id,
    name,
    remark,
    status: 1,
    sl_domain: `${id}.localhost`,
    register_time: time,
    update_time: time,
    on_sell_status: 2,
    is_default: 2,
  };
}

/** A gateway as API Gateway shows it (SDK model of ListInstancesV2). */
export function instanceView({ id, name, status }: GatewayInstance) {
  return { id, instance_name: name, status, type: 'apig', spec: 'BASIC' };
}

/** Pattern for names of apps and policies (API Gateway API reference of Open Telekom Cloud, creating an app). */
export const resourceName = z.string().regex(/^[A-Za-z]\w{2,63}$/);

/** @throws Refused APIG.2011 */
export function readBody<T>(body: Buffer, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(body.length === 0 ? {} : parseJson(body.toString('utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidParameter(issue?.path.join('.') ?? '', 'Please refer to the support documentation');
}

/** Whether an item matches the id and name that a list is filtered by. */
export function isNamed({ id, name }: { id: string; name: string }, query: URLSearchParams): boolean {
  const wanted = query.get('name');
  const isPrecise = query.get('precise_search')?.split(',').includes('name') === true;
  const hasName = wanted === null || (isPrecise ? name === wanted : name.includes(wanted));
  return hasName && (!query.has('id') || query.get('id') === id);
}

/** @throws Refused APIG.3004 */
export function appOf({ apps }: AccessBook, id = ''): App {
  const app = apps.get(id);
  if (app === undefined) throw notFound('APIG.3004', `App ${id}`);
  return app;
}

/** @throws Refused APIG.3002 */
export function apiOf(apis: readonly ApiRoute[], id: string): ApiRoute {
  const api = apis.find(({ apiId }) => apiId === id);
  if (api === undefined) throw notFound('APIG.3002', `API ${id}`);
  return api;
}

/** @throws Refused APIG.3002 */
export function publicationOf(
  apis: readonly ApiRoute[],
  publishId: string,
): ApiRoute & { publishId: string } {
  const api = apis.find((one) => publishIdOf(one) === publishId);
  if (api === undefined) throw notFound('APIG.3002', `API publication record ${publishId}`);
  return { ...api, publishId };
}

/** @throws Refused APIG.3005 */
export function throttleOf({ throttles }: AccessBook, id = ''): Throttle {
  const throttle = throttles.get(id);
  if (throttle === undefined) throw notFound('APIG.3005', `Request throttling policy ${id}`);
  return throttle;
}

/** @throws Refused APIG.3011 */
export function aclOf({ policies }: AccessBook, id = ''): AccessPolicy {
  const policy = policies.get(id);
  if (policy === undefined) throw notFound('APIG.3011', `Access control policy ${id}`);
  return policy;
}

/** @throws Refused APIG.3203 */
export function requireFreeAppName({ apps }: AccessBook, name: string): void {
  if (isTaken(apps, name)) throw appNameTaken();
}

/** @param id of the policy that is changed @throws Refused APIG.3204 */
export function requireFreeThrottleName({ throttles }: AccessBook, name: string, id?: string): void {
  if (isTaken(throttles, name, id)) throw throttleNameTaken();
}

/** @param id of the policy that is changed @throws Refused APIG.3206 */
export function requireFreeAclName({ policies }: AccessBook, name: string, id?: string): void {
  if (isTaken(policies, name, id)) throw aclNameTaken();
}

function isTaken(all: ReadonlyMap<string, { id: string; name: string }>, name: string, id?: string): boolean {
  return [...all.values()].some((one) => one.name === name && one.id !== id);
}

/** An app as API Gateway shows it, without its secret. */
export function appView({ id, name, remark, key, registeredMs, updatedMs }: App) {
  return {
    id,
    name,
    remark,
    creator: 'USER',
    app_key: key,
    register_time: new Date(registeredMs).toISOString(),
    update_time: new Date(updatedMs).toISOString(),
    status: 1,
    app_type: 'apig',
  };
}

/** An AppCode as API Gateway lists it. */
export function appCodeView({ id: app_id }: App, { id, code, createdMs }: AppCode) {
  return { id, app_id, app_code: code, create_time: new Date(createdMs).toISOString() };
}

/** An authorization as API Gateway lists it. */
export function authorizationView(
  { id, appId, apiId, envId, authorizedMs }: AppAuthorization,
  app: App | undefined,
  api: ApiRoute | undefined,
) {
  return {
    id,
    api_id: apiId,
    api_name: api?.name,
    group_id: api?.groupId,
    api_type: 1,
    env_id: envId,
    env_name: api?.stage,
    publish_id: api && publishIdOf(api),
    app_id: appId,
    app_name: app?.name,
    app_remark: app?.remark,
    app_type: 'apig',
    app_creator: 'USER',
    auth_role: 'PROVIDER',
    auth_tunnel: 'NORMAL',
    auth_time: new Date(authorizedMs).toISOString(),
  };
}

const calls = z.int().min(1).max(2_147_483_647);

/**
 * A throttling policy in a request. An app's limit must not exceed a user's limit, and that must not exceed the API's.
 */
export const throttleBody = z
  .object({
    name: resourceName,
    remark: z.string().max(255).default(''),
    time_unit: z.enum(['SECOND', 'MINUTE', 'HOUR', 'DAY']),
    time_interval: calls,
    api_call_limits: calls,
    user_call_limits: calls.optional(),
    app_call_limits: calls.optional(),
    ip_call_limits: calls.optional(),
    type: z.union([z.literal(1), z.literal(2)]).default(1),
  })
  .refine((body) => (body.user_call_limits ?? 1) <= body.api_call_limits, { path: ['user_call_limits'] })
  .refine((body) => (body.app_call_limits ?? 1) <= (body.user_call_limits ?? body.api_call_limits), {
    path: ['app_call_limits'],
  })
  .refine((body) => (body.ip_call_limits ?? 1) <= body.api_call_limits, { path: ['ip_call_limits'] });

/** The throttling policy that a body describes. */
export function limitsOf(body: z.output<typeof throttleBody>): Omit<Throttle, 'id' | 'createdMs'> {
  return {
    name: body.name,
    remark: body.remark,
    apiCalls: body.api_call_limits,
    userCalls: body.user_call_limits,
    appCalls: body.app_call_limits,
    ipCalls: body.ip_call_limits,
    interval: body.time_interval,
    unit: body.time_unit,
    scope: body.type === 2 ? 'shared' : 'exclusive',
  };
}

/** A throttling policy as API Gateway shows it. A limit that is not set is 0. */
export function throttleView(throttle: Throttle, { throttleBindings }: AccessBook) {
  const { id, name, remark, apiCalls, userCalls = 0, appCalls = 0, ipCalls = 0 } = throttle;
  return {
    id,
    name,
    remark,
    api_call_limits: apiCalls,
    user_call_limits: userCalls,
    app_call_limits: appCalls,
    ip_call_limits: ipCalls,
    time_interval: throttle.interval,
    time_unit: throttle.unit,
    type: throttle.scope === 'shared' ? 2 : 1,
    enable_adaptive_control: 'FALSE',
    bind_num: [...throttleBindings.values()].filter(({ policyId }) => policyId === id).length,
    is_inclu_special_throttle: 2,
    create_time: new Date(throttle.createdMs).toISOString(),
  };
}

/** An access control policy in a request. */
export const aclBody = z.object({
  acl_name: resourceName,
  acl_type: z.enum(['PERMIT', 'DENY']),
  acl_value: z
    .string()
    .min(1)
    .max(1024 * 8),
  entity_type: z.enum(['IP', 'DOMAIN', 'DOMAIN_ID']),
});

/** The access control policy that a body describes. */
export function policyContentOf(body: z.output<typeof aclBody>): AccessPolicyContent {
  const values = body.acl_value.split(',').map((value) => value.trim());
  return { name: body.acl_name, type: body.acl_type, entity: body.entity_type, values };
}

/** An access control policy as API Gateway shows it. */
export function aclView({ id, name, type, entity, values, updatedMs }: AccessPolicy) {
  return {
    id,
    acl_name: name,
    acl_type: type,
    acl_value: values.join(','),
    entity_type: entity,
    update_time: new Date(updatedMs).toISOString(),
  };
}

/** The bindings of the API in the query, or all bindings. */
export function bindingsOf(
  bindings: ReadonlyMap<string, Binding>,
  apis: readonly ApiRoute[],
  query: URLSearchParams,
): { binding: Binding; api: ApiRoute }[] {
  return [...bindings.values()].flatMap((binding) => {
    const api = apis.find((one) => publishIdOf(one) === binding.publishId);
    const isAsked = !query.has('api_id') || query.get('api_id') === api?.apiId;
    return api !== undefined && isAsked ? [{ binding, api }] : [];
  });
}
