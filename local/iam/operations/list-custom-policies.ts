import { listed, type Operation, pageOf } from '../operation';

export const listCustomPolicies: Operation = {
  on: 'GET /v3.0/OS-ROLE/roles',
  action: 'iam:roles:listRoles',
  run(request, { identities }) {
    const policies = identities.customPolicies();
    return listed(request, { roles: pageOf(policies, request.query), total_number: policies.length });
  },
};
