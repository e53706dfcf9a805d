import { listed, type Operation } from '../operation';

export const listCustomPolicies: Operation = {
  on: 'GET /v3.0/OS-ROLE/roles',
  action: 'iam:roles:listRoles',
  run(request, { identities }) {
    const policies = identities.customPolicies();
    const page = Number(request.query.get('page') ?? 1);
    const perPage = Number(request.query.get('per_page') ?? policies.length);
    const roles = policies.slice((page - 1) * perPage, page * perPage);
    return listed(request, { roles, total_number: policies.length });
  },
};
