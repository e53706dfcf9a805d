import type { Server } from 'node:http';
import {
  createSignedServer,
  type SignedAnswer,
  type SignedRequest,
  type SignedServerOptions,
} from '../signed-server';
import type { Agency, Role } from './agencies';

export interface IamOptions extends SignedServerOptions {
  /** The account's only project; on the platform a region's first project bears the region's name. */
  region: string;
  agencies?: readonly Agency[];
  /** False: the caller is a user without rights on IAM, who sees projects and nothing else. */
  maySeeAgencies?: boolean;
}

/** An id in the form of IAM's; nobody looks into it. */
const DOMAIN_ID = '0000000000000000000000000000d0a1';

/**
 * The read-only calls of IAM that clients here make: the projects of the account, which the vendor's SDKs ask for
 * when they are given a region but no project id, and agencies with their rights. Not yet listening.
 */
export function createIamServer(options: IamOptions): Server {
  return createSignedServer(options, (request) => answer(options, request));
}

function answer(
  { region, agencies = [], maySeeAgencies = true }: IamOptions,
  { path, query, rawUrl, key }: SignedRequest,
): SignedAnswer | undefined {
  const found = (what: Record<string, unknown>) => ({
    status: 200,
    body: { links: { self: rawUrl, previous: null, next: null }, ...what },
  });
  if (path === '/v3/projects') {
    const name = query.get('name') ?? region;
    return found({ projects: name === region ? [projectView(key.projectId, region)] : [] });
  }
  const isAgencies = /^\/v3(\.0)?\/(OS-AGENCY|OS-INHERIT|roles)\//.test(path);
  if (!isAgencies) return undefined;
  if (!maySeeAgencies) return refusal(403, 'You are not authorized to perform the requested action.');

  if (path === '/v3.0/OS-AGENCY/agencies') {
    if (query.get('domain_id') !== DOMAIN_ID) return refusal(403, 'domain_id is not that of this account.');
    const name = query.get('name');
    return found({
      agencies: agencies.filter((agency) => name === null || agency.name === name).map(agencyView),
    });
  }
  const role = agencies.flatMap(rolesOf).find(({ id }) => path === `/v3/roles/${id}`);
  if (role !== undefined) return { status: 200, body: { role } };

  const [, of, scopeId, agencyId, inherited] =
    /^\/v3\.0\/OS-(?:AGENCY|INHERIT)\/(projects|domains)\/([^/]+)\/agencies\/([^/]+)\/roles(\/inherited_to_projects)?$/.exec(
      path,
    ) ?? [];
  const agency = agencies.find(({ id }) => id === agencyId);
  const isOwnScope = scopeId === (of === 'projects' ? key.projectId : DOMAIN_ID);
  if (agency === undefined || !isOwnScope) return refusal(404, 'The requested resource could not be found.');
  if (inherited !== undefined) {
    const roles = agency.allProjectsRoles.map(({ id, name }) => ({
      id,
      name,
      links: { self: `/v3/roles/${id}` },
    }));
    return found({ roles });
  }
  return { status: 200, body: { roles: of === 'projects' ? agency.projectRoles : agency.domainRoles } };
}

function rolesOf({ projectRoles, domainRoles, allProjectsRoles }: Agency): Role[] {
  return [...projectRoles, ...domainRoles, ...allProjectsRoles];
}

/** IAM's own refusals have another form than those of the gateway in front of it. */
function refusal(code: number, message: string): SignedAnswer {
  const title = code === 404 ? 'Not Found' : 'Forbidden';
  return { status: code, body: { error: { code, message, title } } };
}

/** A project as IAM lists it (IAM API reference, querying projects). */
function projectView(id: string, name: string) {
  return {
    id,
    name,
    domain_id: DOMAIN_ID,
    parent_id: DOMAIN_ID,
    is_domain: false,
    enabled: true,
    description: '',
    links: { self: `/v3/projects/${id}` },
  };
}

/** An agency as IAM lists it (IAM API reference, listing agencies). */
function agencyView({ id, name, trustDomainName, expireTime }: Agency) {
  return {
    id,
    name,
    domain_id: DOMAIN_ID,
    trust_domain_id: '0000000000000000000000000000f6f6',
    trust_domain_name: trustDomainName,
    description: '',
    duration: expireTime === null ? 'FOREVER' : 'ONEDAY',
    create_time: '2026-01-01T00:00:00.000000',
    expire_time: expireTime,
  };
}
