import * as z from 'zod';
import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Finding, type Probe, probe } from './finding';
import { MPC_ROLE, type Role, rightsLacking, rightsToSpare, rolesTooWide } from './rights';

/** The name of FunctionGraph in agencies. */
export const FUNCTIONGRAPH_DOMAIN = 'op_svc_cff';
const PAGE = 'docs/set-up-by-hand.md';

const Agencies = z.object({
  agencies: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      description: z.string().nullish(),
      trust_domain_name: z.string().nullish(),
      expire_time: z.string().nullish(),
    }),
  ),
});
export type Agency = z.infer<typeof Agencies>['agencies'][number];

const Statement = z.object({
  Effect: z.string(),
  Action: z.array(z.string()),
  // For agencies that may be assumed this is an object, which does not matter for buckets.
  Resource: z.array(z.string()).optional().catch([]),
});
const RoleView = z.object({
  id: z.string(),
  name: z.string(),
  display_name: z.string().nullish(),
  policy: z.object({ Statement: z.array(Statement) }).nullish(),
});
const Roles = z.object({ roles: z.array(RoleView) });
const ShownRole = z.object({ role: RoleView });

/**
 * Checks that each agency of the functions exists, trusts FunctionGraph, and has the rights that the functions need, but not
 * far more.
 * @param domainId id of the account; undefined when it is unknown
 */
export async function checkAgencies(
  desired: DesiredState,
  domainId: string | undefined,
  cloud: CloudApi,
): Promise<Finding[]> {
  const names = [...new Set(desired.functions.map(({ agency }) => agency))];
  return (await Promise.all(names.map((name) => checkAgency(name, desired, domainId, cloud)))).flat();
}

async function checkAgency(
  name: string,
  desired: DesiredState,
  domainId: string | undefined,
  cloud: CloudApi,
): Promise<Finding[]> {
  const point = `agency ${name}`;
  const unseen = (reason: string): Finding[] => [
    {
      point,
      state: 'unseen',
      text: `IAM does not show agencies to this key: ${reason}`,
      todo: `let the key have the system policy "IAM ReadOnlyAccess", or compare the agency in the console (IAM, Agencies) with ${PAGE}`,
    },
  ];
  if (domainId === undefined) return unseen('the id of the account is unknown');
  const iam = new IamReader(cloud, domainId);
  const found = await probe(() => iam.agency(name));
  if (!found.ok) return unseen(found.reason);
  const agency = found.found;
  if (agency === undefined) {
    return [
      {
        point,
        state: 'missing',
        text: 'does not exist',
        todo: `hcloud IAM CreateAgency --cli-region=${desired.region} --agency.name=${name} --agency.domain_id=${domainId} --agency.trust_domain_name=${FUNCTIONGRAPH_DOMAIN} --agency.duration=FOREVER`,
      },
    ];
  }
  const trust = trustFinding(point, agency);
  if (trust.state === 'missing') return [trust];
  return [trust, ...rightsFindings(`rights of ${name}`, await probe(() => iam.rolesOf(agency.id)), desired)];
}

/** Says whether FunctionGraph may use the agency, and for how long. */
export function trustFinding(
  point: string,
  { trust_domain_name: trusted, expire_time: end }: Agency,
): Finding {
  if (trusted !== FUNCTIONGRAPH_DOMAIN) {
    return {
      point,
      state: 'missing',
      text: `trusts ${trusted ?? 'nobody known'}, not FunctionGraph (${FUNCTIONGRAPH_DOMAIN})`,
      todo: 'set AGENCY to another name and create that agency, type "Cloud service", FunctionGraph: whom an agency trusts cannot be changed',
    };
  }
  // IAM writes UTC without a time zone.
  if (end && Date.parse(end.endsWith('Z') ? end : `${end}Z`) < Date.now()) {
    return {
      point,
      state: 'missing',
      text: `ended at ${end} UTC`,
      todo: 'set its validity period to unlimited in the console (IAM, Agencies, Modify)',
    };
  }
  const until = end ? `, until ${end} UTC` : '';
  return { point, state: 'ok', text: `trusts FunctionGraph${until}` };
}

function rightsFindings(point: string, roles: Probe<Role[]>, desired: DesiredState): Finding[] {
  if (!roles.ok) {
    return [
      {
        point,
        state: 'unseen',
        text: `IAM does not show them to this key: ${roles.reason}`,
        todo: `compare the agency in the console (IAM, Agencies, Permissions) with ${PAGE}`,
      },
    ];
  }
  const findings: Finding[] = [];
  const lacking = rightsLacking(desired, roles.found);
  const withoutMpc = lacking.filter(({ action }) => action.startsWith('mpc:'));
  const withoutObs = lacking.filter(({ action }) => action.startsWith('obs:'));
  if (withoutMpc.length > 0) {
    findings.push({
      point,
      state: 'missing',
      text: `may not use MPC in ${desired.region}`,
      todo: `give it the system role "${MPC_ROLE}" for the project ${desired.region} (console: IAM, Agencies, Authorize; commands: ${PAGE})`,
    });
  }
  if (withoutObs.length > 0) {
    findings.push({
      point,
      state: 'missing',
      text: `lacks ${withoutObs.map(({ action, resource }) => `${action} on ${resource}`).join(', ')}`,
      todo: `give it, for global services, a custom policy with what \`npm run --silent doctor -- --stage ${desired.stage} --policy\` prints (${PAGE})`,
    });
  }
  if (lacking.length === 0) findings.push({ point, state: 'ok', text: 'enough for the functions' });
  const unneeded = rightsToSpare(desired, roles.found);
  if (unneeded.length > 0) {
    findings.push({
      point,
      state: 'note',
      text: `may still delete ${unneeded.map(({ resource }) => resource).join(', ')}, which only ON_REMOVAL: delete needs`,
      todo: `npm run setup -- --stage ${desired.stage} removes it from the policy that setup created; otherwise replace the policy by what \`npm run --silent doctor -- --stage ${desired.stage} --policy\` prints`,
    });
  }
  const tooWide = rolesTooWide(roles.found);
  if (tooWide.length > 0) {
    findings.push({
      point,
      state: 'note',
      text: `${tooWide.join(', ')} allows far more than the functions need`,
      todo: `replace it by what \`npm run --silent doctor -- --stage ${desired.stage} --policy\` prints (${PAGE})`,
    });
  }
  return findings;
}

/** Reads agencies from IAM. Each method throws CallFailed, or ZodError for an answer of another format. */
export class IamReader {
  constructor(
    protected readonly cloud: CloudApi,
    protected readonly domainId: string,
  ) {}

  async agency(name: string): Promise<Agency | undefined> {
    return (await this.agencies(name)).find((agency) => agency.name === name);
  }

  /** All agencies of the account, or those with a name. */
  async agencies(name?: string): Promise<Agency[]> {
    const body = await this.#get('/v3.0/OS-AGENCY/agencies', [
      ['domain_id', this.domainId],
      ...(name === undefined ? [] : [['name', name] as const]),
    ]);
    return Agencies.parse(body).agencies;
  }

  /** The roles of an agency in the project of the region, for global services, and in all projects. */
  async rolesOf(agencyId: string): Promise<Role[]> {
    const { projectId } = this.cloud.connection;
    const of = (scope: string) => `${scope}/agencies/${agencyId}/roles`;
    const lists = await Promise.all(
      [
        `/v3.0/OS-AGENCY/${of(`projects/${projectId}`)}`,
        `/v3.0/OS-AGENCY/${of(`domains/${this.domainId}`)}`,
        `/v3.0/OS-INHERIT/${of(`domains/${this.domainId}`)}/inherited_to_projects`,
      ].map(async (path) => Roles.parse(await this.#get(path)).roles),
    );
    return Promise.all(
      lists.flat().map(async (listed) => {
        // IAM lists roles for all projects without their statements.
        const { name, display_name, policy } = listed.policy
          ? listed
          : ShownRole.parse(await this.#get(`/v3/roles/${listed.id}`)).role;
        return { displayName: display_name ?? name, statements: policy?.Statement ?? [] };
      }),
    );
  }

  async #get(path: string, query: readonly (readonly [string, string])[] = []): Promise<unknown> {
    // IAM is global: it identifies the account, not a project.
    const headers = { 'x-domain-id': this.domainId };
    return (await this.cloud.call('iam', { method: 'GET', path, query, headers })).body;
  }
}
