import { randomUUID } from 'node:crypto';
import { type Agency, DOMAIN_ID, MPC_ADMINISTRATOR, type Role } from './agencies';
import { alreadyExists, inUse, notFound, quotaReached } from './errors';
import { covers } from './rights';

/** IAM's default quotas (IAM user guide, "Notes and Constraints"). */
const MAX_AGENCIES = 50;
const MAX_POLICIES = 200;

/** Where an agency has a role or a policy. */
type Scope = 'projectRoles' | 'domainRoles' | 'allProjectsRoles';
const SCOPES: readonly Scope[] = ['projectRoles', 'domainRoles', 'allProjectsRoles'];

/** The agencies and policies of the account, in memory. */
export class IdentityBook {
  readonly #agencies = new Map<string, Agency>();
  readonly #roles = new Map<string, Role>([[MPC_ADMINISTRATOR.id, MPC_ADMINISTRATOR]]);

  constructor(agencies: readonly Agency[] = []) {
    for (const agency of agencies) {
      this.#agencies.set(agency.id, agency);
      for (const role of rolesOf(agency)) this.#roles.set(role.id, role);
    }
  }

  agencies(): Agency[] {
    return [...this.#agencies.values()];
  }

  /** System roles and custom policies. */
  roles(): Role[] {
    return [...this.#roles.values()];
  }

  customPolicies(): Role[] {
    return this.roles().filter(({ domain_id }) => domain_id !== null);
  }

  /** @throws Refused 404 */
  agency(id: string): Agency {
    return this.#agencies.get(id) ?? missing();
  }

  /** @throws Refused 404 */
  role(id: string): Role {
    return this.#roles.get(id) ?? missing();
  }

  /** @throws Refused 409 if the name is taken, 403 if there are too many */
  createAgency(agency: Pick<Agency, 'name' | 'trustDomainName' | 'expireTime' | 'description'>): Agency {
    if (this.agencies().some(({ name }) => name === agency.name))
      throw alreadyExists(`agency ${agency.name}`);
    if (this.#agencies.size >= MAX_AGENCIES) throw quotaReached('agencies', MAX_AGENCIES);
    const made = { ...agency, id: newId(), projectRoles: [], domainRoles: [], allProjectsRoles: [] };
    this.#agencies.set(made.id, made);
    return made;
  }

  /** @throws Refused 404 */
  deleteAgency(id: string): void {
    this.agency(id);
    this.#agencies.delete(id);
  }

  /** @throws Refused 409 if the name is taken, 403 if there are too many */
  createPolicy(wanted: Pick<Role, 'display_name' | 'type' | 'description' | 'policy'>): Role {
    const { display_name } = wanted;
    const policies = this.customPolicies();
    if (policies.some((one) => one.display_name === display_name))
      throw alreadyExists(`policy ${display_name}`);
    if (policies.length >= MAX_POLICIES) throw quotaReached('custom policies', MAX_POLICIES);
    const id = newId();
    const role: Role = {
      ...wanted,
      id,
      name: `custom_${DOMAIN_ID}_${id}`,
      catalog: 'CUSTOMED',
      domain_id: DOMAIN_ID,
    };
    this.#roles.set(id, role);
    return role;
  }

  /** @throws Refused 404 */
  changePolicy(id: string, changed: Pick<Role, 'display_name' | 'type' | 'description' | 'policy'>): Role {
    const role = { ...this.#customPolicy(id), ...changed };
    this.#roles.set(id, role);
    for (const agency of this.agencies()) {
      for (const scope of SCOPES) {
        this.#change(agency.id, scope, (roles) => roles.map((one) => (one.id === id ? role : one)));
      }
    }
    return role;
  }

  /** @throws Refused 404, and 409 while an agency has the policy */
  deletePolicy(id: string): void {
    const policy = this.#customPolicy(id);
    if (this.agencies().some((agency) => rolesOf(agency).some((role) => role.id === id))) {
      throw inUse(`policy ${policy.display_name}`);
    }
    this.#roles.delete(id);
  }

  /** Granting again is no error. @throws Refused 404 */
  grant(agencyId: string, roleId: string, scope: Scope): void {
    const role = this.role(roleId);
    this.#change(this.agency(agencyId).id, scope, (roles) => [
      ...roles.filter(({ id }) => id !== role.id),
      role,
    ]);
  }

  /** @throws Refused 404 */
  revoke(agencyId: string, roleId: string, scope: Scope): void {
    this.#change(this.agency(agencyId).id, scope, (roles) => {
      const kept = roles.filter(({ id }) => id !== roleId);
      return kept.length < roles.length ? kept : missing();
    });
  }

  /** Whether an agency is allowed an action on global services. @param resource such as `object:snapshots/a.jpg` */
  agencyAllows(name: string, action: string, resource: string): boolean {
    const agency = this.agencies().find((one) => one.name === name);
    return agency !== undefined && rolesAllow(agency.domainRoles, action, resource);
  }

  #customPolicy(id: string): Role {
    const role = this.role(id);
    return role.domain_id === null ? missing() : role;
  }

  #change(agencyId: string, scope: Scope, change: (roles: readonly Role[]) => readonly Role[]): void {
    const agency = this.agency(agencyId);
    this.#agencies.set(agencyId, { ...agency, [scope]: change(agency[scope]) });
  }
}

function rolesOf(agency: Agency): Role[] {
  return SCOPES.flatMap((scope) => agency[scope]);
}

function missing(): never {
  throw notFound();
}

function newId(): string {
  return randomUUID().replaceAll('-', '');
}

/**
 * Whether roles together allow an action: one allows it and none denies it.
 * @param resource such as `bucket:videos` or `object:snapshots/a.jpg`
 */
function rolesAllow(roles: readonly Role[], action: string, resource: string): boolean {
  const matching = roles
    .flatMap(({ policy }) => policy.Statement)
    .filter(
      ({ Action, Resource }) =>
        Action.some((pattern) => covers(pattern, action)) &&
        (Resource === undefined || Resource.some((pattern) => covers(pattern, `obs:*:*:${resource}`))),
    );
  return (
    matching.some(({ Effect }) => Effect === 'Allow') && matching.every(({ Effect }) => Effect === 'Allow')
  );
}
