import { listed, type Operation, rightsOf } from '../operation';

/** Rights of an agency in the project of the region. */
export const listAgencyProjectPermissions: Operation = {
  on: 'GET /v3.0/OS-AGENCY/projects/{project_id}/agencies/{agency_id}/roles',
  action: 'iam:permissions:listRolesForAgencyOnProject',
  run: (request, { identities }) => ({
    status: 200,
    body: { roles: identities.agency(rightsOf(request).agencyId).projectRoles },
  }),
};

/** Rights of an agency on global services. */
export const listAgencyDomainPermissions: Operation = {
  on: 'GET /v3.0/OS-AGENCY/domains/{domain_id}/agencies/{agency_id}/roles',
  action: 'iam:permissions:listRolesForAgencyOnDomain',
  run: (request, { identities }) => ({
    status: 200,
    body: { roles: identities.agency(rightsOf(request).agencyId).domainRoles },
  }),
};

/** Rights of an agency in all projects, without the actions that they allow. */
export const listAgencyAllProjectsPermissions: Operation = {
  on: 'GET /v3.0/OS-INHERIT/domains/{domain_id}/agencies/{agency_id}/roles/inherited_to_projects',
  action: 'iam:permissions:listRolesForAgency',
  run: (request, { identities }) =>
    listed(request, {
      roles: identities.agency(rightsOf(request).agencyId).allProjectsRoles.map(({ id, name }) => ({
        id,
        name,
        links: { self: `/v3/roles/${id}` },
      })),
    }),
};
