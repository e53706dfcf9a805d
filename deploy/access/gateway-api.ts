import * as z from 'zod';
import { CallFailed, type CloudAnswer, type CloudApi, type CloudRequest, readAnswer } from '../cloud-api';

const LiveApi = z.object({
  id: z.string(),
  req_method: z.string(),
  req_uri: z.string(),
  publish_id: z.string().nullish(),
  auth_type: z.string().nullish(),
});
export type LiveApi = z.infer<typeof LiveApi>;

const App = z.object({
  id: z.string(),
  name: z.string(),
  remark: z.string().nullish(),
  app_key: z.string().nullish(),
});
export type App = z.infer<typeof App>;

/** An app with its secret: only the answers to creating it and to changing the secret have it. */
const AppWithSecret = App.extend({ app_key: z.string(), app_secret: z.string() });
export type AppWithSecret = z.infer<typeof AppWithSecret>;

const Authorization = z.object({
  id: z.string(),
  api_id: z.string(),
  app_id: z.string(),
  app_name: z.string().nullish(),
});
/** An app that may call an API. */
export type AuthorizedApp = Pick<App, 'id' | 'name'>;

/** Limits of an API, calls per minute: for all callers together, and for one caller. */
export interface Limits {
  api: number;
  caller: number;
}

/** Limits as the gateway counts them, calls per minute. */
export interface GatewayLimits {
  api: number;
  app: number;
  account: number;
}

/**
 * A caller is an app or, with authentication IAM, an account. All apps belong to one account: where apps call, the limit of
 * the account is that of the API.
 */
export function gatewayLimits({ api, caller }: Limits, auth: 'IAM' | 'APP' | 'NONE'): GatewayLimits {
  return { api, app: caller, account: auth === 'IAM' ? caller : api };
}

const Throttle = z.object({
  id: z.string(),
  name: z.string(),
  remark: z.string().nullish(),
  api_call_limits: z.number(),
  user_call_limits: z.number().nullish(),
  app_call_limits: z.number().nullish(),
  ip_call_limits: z.number().nullish(),
  type: z.number().nullish(),
  time_interval: z.number(),
  time_unit: z.string(),
});
export type Throttle = z.infer<typeof Throttle>;
const BoundThrottle = Throttle.extend({ bind_id: z.string() });
export type BoundThrottle = z.infer<typeof BoundThrottle>;

const acl = { acl_name: z.string(), acl_type: z.string(), acl_value: z.string(), entity_type: z.string() };
const Acl = z.object({ id: z.string(), ...acl });
export type Acl = z.infer<typeof Acl>;
const BoundAcl = z.object({ acl_id: z.string(), bind_id: z.string(), ...acl });
export type BoundAcl = z.infer<typeof BoundAcl>;

/** The largest page. */
const PAGE = 500;

const Made = z.object({ id: z.string() });

/** @throws CallFailed for an answer of another format */
const read = <T>(schema: z.ZodType<T>, body: unknown, what: string): T =>
  readAnswer(schema, body, what, 'API Gateway');

/** The operations of a dedicated gateway for callers, policies and limits. Each throws CallFailed. */
export class GatewayApi {
  constructor(
    readonly cloud: CloudApi,
    readonly instanceId: string,
  ) {}

  apis(groupId: string, envId: string): Promise<LiveApi[]> {
    return this.#list('apis', 'apis', LiveApi, { group_id: groupId, env_id: envId });
  }

  apps(): Promise<App[]> {
    return this.#list('apps', 'apps', App);
  }

  async createApp(name: string, remark: string): Promise<AppWithSecret> {
    return read(AppWithSecret, (await this.#call('POST', 'apps', { name, remark })).body, 'the new app');
  }

  /** Sets a new secret. The old one stops working. */
  async resetSecret(appId: string): Promise<AppWithSecret> {
    return read(AppWithSecret, (await this.#call('PUT', `apps/secret/${appId}`, {})).body, 'the new secret');
  }

  /** Deletes an app with its authorizations. A missing one is no error. */
  deleteApp(appId: string): Promise<void> {
    return this.#delete(`apps/${appId}`);
  }

  /** The apps that may call an API. */
  async appsOf(apiId: string, envId: string): Promise<AuthorizedApp[]> {
    const query = { api_id: apiId, env_id: envId };
    const found = await this.#list('app-auths/binded-apps', 'auths', Authorization, query);
    return found.map(({ app_id: id, app_name }) => ({ id, name: app_name ?? id }));
  }

  /** Lets apps call APIs. Existing authorizations stay. */
  async authorize(appIds: readonly string[], apiIds: readonly string[], envId: string): Promise<void> {
    await this.#call('POST', 'app-auths', { env_id: envId, app_ids: appIds, api_ids: apiIds });
  }

  throttles(): Promise<Throttle[]> {
    return this.#list('throttles', 'throttles', Throttle);
  }

  async throttleOf(apiId: string, envId: string): Promise<BoundThrottle | undefined> {
    const query = { api_id: apiId, env_id: envId };
    return (await this.#list('throttle-bindings/binded-throttles', 'throttles', BoundThrottle, query))[0];
  }

  async createThrottle(name: string, remark: string, limits: GatewayLimits): Promise<string> {
    const { body } = await this.#call('POST', 'throttles', throttleBody(name, remark, limits));
    return read(Made, body, 'the new throttling policy').id;
  }

  async updateThrottle(id: string, name: string, remark: string, limits: GatewayLimits): Promise<void> {
    await this.#call('PUT', `throttles/${id}`, throttleBody(name, remark, limits));
  }

  async bindThrottle(id: string, publishIds: readonly string[]): Promise<void> {
    await this.#call('POST', 'throttle-bindings', { strategy_id: id, publish_ids: publishIds });
  }

  unbindThrottle(bindingId: string): Promise<void> {
    return this.#delete(`throttle-bindings/${bindingId}`);
  }

  deleteThrottle(id: string): Promise<void> {
    return this.#delete(`throttles/${id}`);
  }

  acls(): Promise<Acl[]> {
    return this.#list('acls', 'acls', Acl);
  }

  aclsOf(apiId: string, envId: string): Promise<BoundAcl[]> {
    return this.#list('acl-bindings/binded-acls', 'acls', BoundAcl, { api_id: apiId, env_id: envId });
  }

  /** Creates an access policy that allows only these accounts ("domains"). */
  async createAcl(name: string, accounts: readonly string[]): Promise<string> {
    const { body } = await this.#call('POST', 'acls', aclBody(name, accounts));
    return read(Made, body, 'the new access policy').id;
  }

  async updateAcl(id: string, name: string, accounts: readonly string[]): Promise<void> {
    await this.#call('PUT', `acls/${id}`, aclBody(name, accounts));
  }

  async bindAcl(id: string, publishIds: readonly string[]): Promise<void> {
    await this.#call('POST', 'acl-bindings', { acl_id: id, publish_ids: publishIds });
  }

  unbindAcl(bindingId: string): Promise<void> {
    return this.#delete(`acl-bindings/${bindingId}`);
  }

  deleteAcl(id: string): Promise<void> {
    return this.#delete(`acls/${id}`);
  }

  async #list<T>(
    path: string,
    field: string,
    item: z.ZodType<T>,
    query: Readonly<Record<string, string>> = {},
  ): Promise<T[]> {
    const Page = z.object({ total: z.number(), [field]: z.array(item).nullish() });
    const found: T[] = [];
    for (;;) {
      const { body } = await this.#call('GET', path, undefined, {
        ...query,
        limit: String(PAGE),
        offset: String(found.length),
      });
      const page = read(Page, body, path);
      const items = (page[field] ?? []) as T[];
      found.push(...items);
      if (items.length === 0 || found.length >= Number(page.total)) return found;
    }
  }

  async #delete(path: string): Promise<void> {
    try {
      await this.#call('DELETE', path);
    } catch (error) {
      if (!(error instanceof CallFailed) || error.status !== 404) throw error;
    }
  }

  #call(
    method: CloudRequest['method'],
    path: string,
    body?: unknown,
    query: Readonly<Record<string, string>> = {},
  ): Promise<CloudAnswer> {
    return this.cloud.call('apig', {
      method,
      path: `/v2/${this.cloud.connection.projectId}/apigw/instances/${this.instanceId}/${path}`,
      query: Object.entries(query),
      ...(body !== undefined && { body }),
    });
  }
}

function throttleBody(name: string, remark: string, { api, app, account }: GatewayLimits) {
  return {
    name,
    remark,
    time_interval: 1,
    time_unit: 'MINUTE',
    api_call_limits: api,
    user_call_limits: account,
    app_call_limits: app,
    type: 1,
  };
}

function aclBody(name: string, accounts: readonly string[]) {
  return { acl_name: name, acl_type: 'PERMIT', entity_type: 'DOMAIN_ID', acl_value: accounts.join(',') };
}
