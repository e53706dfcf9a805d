import { type Operation, policyBody, readBody } from '../operation';

/** UpdateCloudServiceCustomPolicy. */
export const updateCustomPolicy: Operation = {
  on: 'PATCH /v3.0/OS-ROLE/roles/{role_id}',
  action: 'iam:roles:updateRole',
  run: (request, { identities }) => ({
    status: 200,
    body: {
      role: identities.changePolicy(request.names.role_id ?? '', readBody(request.body, policyBody).role),
    },
  }),
};
