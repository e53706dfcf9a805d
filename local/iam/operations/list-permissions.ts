import { DOMAIN_ID } from '../agencies';
import { listed, type Operation, pageOf } from '../operation';

/** System roles; with the account's id, its custom policies. */
export const listPermissions: Operation = {
  on: 'GET /v3/roles',
  action: 'iam:roles:listRoles',
  run(request, { identities }) {
    const { query } = request;
    const isCustom = query.get('domain_id') === DOMAIN_ID;
    const displayName = query.get('display_name');
    // A part of the name is enough (IAM API reference, querying permissions: fuzzy).
    const roles = identities
      .roles()
      .filter(({ domain_id }) => (domain_id !== null) === isCustom)
      .filter(({ display_name }) => displayName === null || display_name.includes(displayName));
    return listed(request, { roles: pageOf(roles, request.query), total_number: roles.length });
  },
};

export const showPermission: Operation = {
  on: 'GET /v3/roles/{role_id}',
  action: 'iam:roles:getRole',
  run: ({ names }, { identities }) => ({
    status: 200,
    body: { role: identities.role(names.role_id ?? '') },
  }),
};
