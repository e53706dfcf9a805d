import { type Operation, rightsOf } from '../operation';

/** Gives an agency a role or a policy in the project of the region. */
export const associateAgencyWithProjectPermission: Operation = {
  on: 'PUT /v3.0/OS-AGENCY/projects/{project_id}/agencies/{agency_id}/roles/{role_id}',
  action: 'iam:permissions:grantRoleToAgencyOnProject',
  run(request, { identities }) {
    const { agencyId, roleId } = rightsOf(request);
    identities.grant(agencyId, roleId, 'projectRoles');
    return { status: 204 };
  },
};

/** Gives an agency a role or a policy on global services. */
export const associateAgencyWithDomainPermission: Operation = {
  on: 'PUT /v3.0/OS-AGENCY/domains/{domain_id}/agencies/{agency_id}/roles/{role_id}',
  action: 'iam:permissions:grantRoleToAgencyOnDomain',
  run(request, { identities }) {
    const { agencyId, roleId } = rightsOf(request);
    identities.grant(agencyId, roleId, 'domainRoles');
    return { status: 204 };
  },
};
