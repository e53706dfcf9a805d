import * as z from 'zod';
import { CallFailed, type CloudApi, readAnswer } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Agency, FUNCTIONGRAPH_DOMAIN, IamReader, trustFinding } from '../doctor/agency';
import { leastPolicies, rightsLacking } from '../doctor/rights';
import { unlessGone } from './buckets';
import type { Names } from './names';
import type { Inspection, Part, Step } from './part';

const IAM_RIGHT = 'Security Administrator';

const Policies = z.object({
  roles: z.array(
    z.object({
      id: z.string(),
      display_name: z.string().nullish(),
      description: z.string().nullish(),
      policy: z.object({ Statement: z.unknown() }).nullish(),
    }),
  ),
});
type Policy = z.infer<typeof Policies>['roles'][number];
const Id = z.object({ id: z.string().min(1) });
const MadeAgency = z.object({ agency: Id });
const MadePolicy = z.object({ role: Id });

export interface AgencyContext {
  cloud: CloudApi;
  domainId: string;
  names: Names;
  /** The functions to deploy: the agency's rights depend on them. */
  desired: DesiredState;
}

/** The agency of the functions with its two rights: MPC's role in the project, and its own policy for OBS. */
export function agencyPart(context: AgencyContext): Part {
  const name = context.names.agency;
  return { name: `agency ${name}`, service: 'IAM', right: IAM_RIGHT, inspect: () => inspectAgency(context) };
}

async function inspectAgency({ cloud, domainId, names, desired }: AgencyContext): Promise<Inspection> {
  const iam = new Iam(cloud, domainId);
  const { region } = cloud.connection;
  const values = { AGENCY: names.agency };
  const agency = await iam.agency(names.agency);
  const isOwn = agency?.description?.includes(names.mark) ?? true;
  const roles = agency === undefined ? [] : await iam.rolesOf(agency.id);
  const lacking = rightsLacking(desired, roles);
  const wrong = agency === undefined ? undefined : whatIsWrong(agency);
  if (agency !== undefined && (wrong !== undefined || (!isOwn && lacking.length > 0))) {
    const lacks = lacking.map(({ action, resource }) => (resource ? `${action} on ${resource}` : action));
    return {
      obstacle: {
        text: `exists, was ${isOwn ? '' : 'not '}created by setup, and ${wrong ?? `lacks ${lacks.join(', ')}`}`,
        todo: `set AGENCY to a name that is free, such as ${names.policy}-2, and run the command again; setup does not change things of others`,
      },
    };
  }
  const policy = await iam.policy(names.policy);
  const steps: Step[] = [];
  let agencyId = agency?.id ?? '';
  let policyId = policy?.id ?? '';
  if (agency === undefined) {
    steps.push({
      what: `agency ${names.agency}, which trusts FunctionGraph`,
      right: IAM_RIGHT,
      command: `hcloud IAM CreateAgency --cli-region=${region} --agency.name=${names.agency} --agency.domain_id=${domainId} --agency.trust_domain_name=${FUNCTIONGRAPH_DOMAIN} --agency.duration=FOREVER`,
      isNeeded: true,
      make: async () => {
        agencyId = await iam.createAgency(names.agency, names.mark);
      },
    });
  }
  const { projectRole, globalPolicy } = leastPolicies(desired);
  if (lacking.some(({ action }) => action.startsWith('mpc:'))) {
    steps.push({
      what: `role ${projectRole} in ${region} for agency ${names.agency}`,
      right: IAM_RIGHT,
      command: `hcloud IAM AssociateAgencyWithProjectPermission --cli-region=${region} --project_id=${cloud.connection.projectId} --agency_id=${agencyId || '…'} --role_id=… (of ${projectRole})`,
      make: async () => iam.grant('projects', agencyId, await iam.systemRole(projectRole)),
    });
  }
  const there = agency === undefined ? [] : [`agency ${names.agency}`];
  const isOwnPolicy = policy?.description?.includes(names.mark) === true;
  const lacksRights = lacking.some(({ action }) => action.startsWith('obs:'));
  // Setup updates its own policy, also when fewer rights are needed than before.
  if (!lacksRights && (!isOwnPolicy || isSame(policy, globalPolicy.Statement))) {
    return { there, steps, values };
  }
  if (policy !== undefined && !isOwnPolicy) {
    return {
      steps,
      obstacle: {
        text: `a policy ${names.policy} exists, but was not created by setup`,
        todo: `rename it in the console (IAM, Policies), or give the agency yourself what \`npm run --silent doctor -- --stage ${desired.stage} --policy\` prints`,
      },
    };
  }
  const body = {
    role: {
      display_name: names.policy,
      type: 'AX',
      description: `The functions of ${desired.service} ${names.mark}`,
      policy: globalPolicy,
    },
  };
  const policyCommand = `npm run --silent doctor -- --stage ${desired.stage} --policy prints it; hcloud IAM CreateCloudServiceCustomPolicy --cli-region=${region} --cli-jsonInput=…`;
  if (policy === undefined || !isSame(policy, globalPolicy.Statement)) {
    steps.push({
      what: `policy ${names.policy}: its rights on ${desired.buckets.join(' and ')}`,
      right: IAM_RIGHT,
      command: policyCommand,
      isNeeded: true,
      make: async () => {
        policyId = await iam.writePolicy(policyId, body);
      },
    });
  }
  if (!lacksRights) return { there, steps, values };
  steps.push({
    what: `policy ${names.policy} for agency ${names.agency}`,
    right: IAM_RIGHT,
    command: `hcloud IAM AssociateAgencyWithDomainPermission --cli-region=${region} --domain_id=${domainId} --agency_id=${agencyId || '…'} --role_id=${policyId || '…'}`,
    make: () => iam.grant('domains', agencyId, policyId),
  });
  return { there, steps, values };
}

function whatIsWrong(agency: Agency): string | undefined {
  const finding = trustFinding('', agency);
  return finding.state === 'missing' ? finding.text : undefined;
}

/** Compares without order: IAM may return a policy in another order. */
function isSame({ policy }: Policy, statements: unknown): boolean {
  return JSON.stringify(sorted(policy?.Statement)) === JSON.stringify(sorted(statements));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => JSON.stringify(sorted(one))).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, one]) => [name, sorted(one)])
    .sort();
}

/** The agencies and policies with the mark. */
export function agencyRemains({ cloud, domainId, names }: Omit<AgencyContext, 'desired'>): Part {
  const inspect = async (): Promise<Inspection> => {
    const iam = new Iam(cloud, domainId);
    const isOwn = ({ description }: { description?: string | null | undefined }) =>
      description?.includes(names.mark) === true;
    const agencies = (await iam.agencies()).filter(isOwn);
    const policies = (await iam.policies()).filter(isOwn);
    const { region } = cloud.connection;
    return {
      steps: [
        // IAM refuses to delete a policy that an agency still has.
        ...agencies.map(({ id, name }) => ({
          what: `agency ${name}`,
          right: IAM_RIGHT,
          command: `hcloud IAM DeleteAgency --cli-region=${region} --agency_id=${id}`,
          isNeeded: true,
          make: () => iam.remove(`/v3.0/OS-AGENCY/agencies/${id}`),
        })),
        ...policies.map(({ id, display_name }) => ({
          what: `policy ${display_name}`,
          right: IAM_RIGHT,
          command: `hcloud IAM DeleteCustomPolicy --cli-region=${region} --role_id=${id}`,
          make: () => iam.remove(`/v3.0/OS-ROLE/roles/${id}`),
        })),
      ],
    };
  };
  return { name: 'agency', service: 'IAM', right: IAM_RIGHT, inspect };
}

const POLICIES_PER_PAGE = 100;

/** IAM with operations that change something. */
class Iam extends IamReader {
  async policies(): Promise<Policy[]> {
    const found: Policy[] = [];
    for (let page = 1; ; page += 1) {
      const { body } = await this.#call('GET', '/v3.0/OS-ROLE/roles', undefined, [
        ['page', String(page)],
        ['per_page', String(POLICIES_PER_PAGE)],
      ]);
      const { roles } = Policies.parse(body);
      found.push(...roles);
      if (roles.length < POLICIES_PER_PAGE) return found;
    }
  }

  async policy(displayName: string): Promise<Policy | undefined> {
    return (await this.policies()).find(({ display_name }) => display_name === displayName);
  }

  async createAgency(name: string, mark: string): Promise<string> {
    const { body } = await this.#call('POST', '/v3.0/OS-AGENCY/agencies', {
      agency: {
        name,
        domain_id: this.domainId,
        trust_domain_name: FUNCTIONGRAPH_DOMAIN,
        description: mark,
        duration: 'FOREVER',
      },
    });
    return readAnswer(MadeAgency, body, 'the new agency', 'IAM').agency.id;
  }

  /** Creates the policy, or changes the one with this id. */
  async writePolicy(id: string, body: unknown): Promise<string> {
    const path = '/v3.0/OS-ROLE/roles';
    if (id !== '') {
      await this.#call('PATCH', `${path}/${id}`, body);
      return id;
    }
    const answer = await this.#call('POST', path, body);
    return readAnswer(MadePolicy, answer.body, 'the new policy', 'IAM').role.id;
  }

  /** Id of a system role. @throws CallFailed 404 when IAM has no such role */
  async systemRole(displayName: string): Promise<string> {
    const { body } = await this.#call('GET', '/v3/roles', undefined, [['display_name', displayName]]);
    const { roles } = readAnswer(Policies, body, 'the list of roles', 'IAM');
    const role = roles.find(({ display_name }) => display_name === displayName);
    if (role === undefined) throw new CallFailed(404, '', `IAM has no system role ${displayName}`);
    return role.id;
  }

  /** Gives a role in the project of the region, or for global services. Repeating it is no error. */
  async grant(scope: 'projects' | 'domains', agencyId: string, roleId: string): Promise<void> {
    const scopeId = scope === 'projects' ? this.cloud.connection.projectId : this.domainId;
    const path = `/v3.0/OS-AGENCY/${scope}/${scopeId}/agencies/${agencyId}/roles/${roleId}`;
    try {
      await this.#call('PUT', path);
    } catch (error) {
      // 409: the agency already has the role.
      if (!(error instanceof CallFailed) || error.status !== 409) throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.#call('DELETE', path).catch(unlessGone);
  }

  #call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    query: readonly (readonly [string, string])[] = [],
  ) {
    const headers = { 'x-domain-id': this.domainId };
    return this.cloud.call('iam', { method, path, query, headers, ...(body !== undefined && { body }) });
  }
}
