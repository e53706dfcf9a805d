import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../clock';

/** A credential of API Gateway ("app"). It may call the APIs that it is authorized for. */
export interface App {
  id: string;
  name: string;
  remark: string;
  key: string;
  secret: string;
  /** Codes that it may send in `X-Apig-AppCode` instead of a signature, if an API accepts that. */
  codes: AppCode[];
  registeredMs: number;
  updatedMs: number;
}

export interface AppCode {
  id: string;
  code: string;
  createdMs: number;
}

/** The right of one app to call one API in one environment. */
export interface AppAuthorization {
  id: string;
  appId: string;
  apiId: string;
  envId: string;
  authorizedMs: number;
}

/** How often an API may be called within a time. An absent field means no such limit. */
export interface ThrottleLimits {
  apiCalls: number;
  userCalls?: number | undefined;
  appCalls?: number | undefined;
  ipCalls?: number | undefined;
  interval: number;
  unit: 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY';
  /** Whether each API counts by itself, or all bound APIs count together. */
  scope: 'exclusive' | 'shared';
}

export interface Throttle extends ThrottleLimits {
  id: string;
  name: string;
  remark: string;
  createdMs: number;
}

/** Who may call an API: only these (PERMIT), or everybody but these (DENY). */
export interface AccessPolicyContent {
  name: string;
  type: 'PERMIT' | 'DENY';
  /** IP: addresses; DOMAIN: names of accounts; DOMAIN_ID: their ids. */
  entity: 'IP' | 'DOMAIN' | 'DOMAIN_ID';
  values: readonly string[];
}

export interface AccessPolicy extends AccessPolicyContent {
  id: string;
  updatedMs: number;
}

/** A policy that is bound to an API in one environment. */
export interface Binding {
  id: string;
  policyId: string;
  /** The id of the publication; see publishIdOf. */
  publishId: string;
  boundMs: number;
}

/** What API Gateway knows about the APIs of one gateway: who may call them, and how often. In memory. */
export class AccessBook {
  readonly apps = new Map<string, App>();
  readonly authorizations = new Map<string, AppAuthorization>();
  readonly throttles = new Map<string, Throttle>();
  readonly throttleBindings = new Map<string, Binding>();
  readonly policies = new Map<string, AccessPolicy>();
  readonly policyBindings = new Map<string, Binding>();

  constructor(private readonly clock: Clock = Date.now) {}

  addApp({
    name,
    remark = '',
    key,
    secret,
  }: {
    name: string;
    remark?: string;
    key?: string | undefined;
    secret?: string | undefined;
  }): App {
    const now = this.clock();
    const app = {
      id: newId(),
      name,
      remark,
      key: key ?? newId(),
      secret: secret ?? newId(),
      codes: [],
      registeredMs: now,
      updatedMs: now,
    };
    this.apps.set(app.id, app);
    return app;
  }

  /** Sets a new secret. From now on signatures with the old one are refused. */
  resetSecret(app: App, secret = newId()): void {
    app.secret = secret;
    app.updatedMs = this.clock();
  }

  addCode(app: App): AppCode {
    const code = { id: newId(), code: randomBytes(48).toString('base64url'), createdMs: this.clock() };
    app.codes.push(code);
    return code;
  }

  /** Also deletes its authorizations. */
  removeApp({ id }: App): void {
    this.apps.delete(id);
    for (const { id: authorization, appId } of this.authorizations.values()) {
      if (appId === id) this.authorizations.delete(authorization);
    }
  }

  authorize(
    appId: string,
    apiId: string,
    envId: string,
  ): { authorization: AppAuthorization; isNew: boolean } {
    const known = this.authorizationOf(appId, apiId, envId);
    if (known !== undefined) return { authorization: known, isNew: false };
    const authorization = { id: newId(), appId, apiId, envId, authorizedMs: this.clock() };
    this.authorizations.set(authorization.id, authorization);
    return { authorization, isNew: true };
  }

  authorizationOf(appId: string, apiId: string, envId: string): AppAuthorization | undefined {
    return [...this.authorizations.values()].find(
      (one) => one.appId === appId && one.apiId === apiId && one.envId === envId,
    );
  }

  addThrottle(throttle: Omit<Throttle, 'id' | 'createdMs'>): Throttle {
    const added = { ...throttle, id: newId(), createdMs: this.clock() };
    this.throttles.set(added.id, added);
    return added;
  }

  /** Also deletes its bindings. */
  removeThrottle(id: string): void {
    this.throttles.delete(id);
    removeBindings(this.throttleBindings, id);
  }

  /** An API has one throttling policy in each environment: a new one replaces the old one. */
  bindThrottle(policyId: string, publishId: string): Binding {
    for (const [id, binding] of this.throttleBindings) {
      if (binding.publishId === publishId) this.throttleBindings.delete(id);
    }
    return this.#bind(this.throttleBindings, policyId, publishId);
  }

  throttleOf(publishId: string): Throttle | undefined {
    const binding = [...this.throttleBindings.values()].find((one) => one.publishId === publishId);
    return binding && this.throttles.get(binding.policyId);
  }

  addPolicy(content: AccessPolicyContent): AccessPolicy {
    const policy = { ...content, id: newId(), updatedMs: this.clock() };
    this.policies.set(policy.id, policy);
    return policy;
  }

  /** Also deletes its bindings. */
  removePolicy(id: string): void {
    this.policies.delete(id);
    removeBindings(this.policyBindings, id);
  }

  /** An API has one policy of each entity type in each environment: a new one replaces the old one. */
  bindPolicy(policyId: string, publishId: string): Binding {
    const entity = this.policies.get(policyId)?.entity;
    for (const [id, binding] of this.policyBindings) {
      const isSameKind = this.policies.get(binding.policyId)?.entity === entity;
      if (binding.publishId === publishId && isSameKind) this.policyBindings.delete(id);
    }
    return this.#bind(this.policyBindings, policyId, publishId);
  }

  policiesOf(publishId: string): AccessPolicy[] {
    return [...this.policyBindings.values()]
      .filter((binding) => binding.publishId === publishId)
      .flatMap(({ policyId }) => this.policies.get(policyId) ?? []);
  }

  #bind(bindings: Map<string, Binding>, policyId: string, publishId: string): Binding {
    const binding = { id: newId(), policyId, publishId, boundMs: this.clock() };
    bindings.set(binding.id, binding);
    return binding;
  }
}

/** An API is published once here, so its publication has an id of the same form. */
export function publishIdOf({ apiId }: { apiId: string }): string {
  return `pub${apiId.slice(3)}`;
}

function removeBindings(bindings: Map<string, Binding>, policyId: string): void {
  for (const [id, binding] of bindings) if (binding.policyId === policyId) bindings.delete(id);
}

function newId(): string {
  return randomUUID().replaceAll('-', '');
}
