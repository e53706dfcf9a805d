import { type Operation, policyBody, readBody } from '../operation';

/** CreateCloudServiceCustomPolicy. */
export const createCustomPolicy: Operation = {
  on: 'POST /v3.0/OS-ROLE/roles',
  action: 'iam:roles:createRole',
  run: (request, { identities }) => ({
    status: 201,
    body: { role: identities.createPolicy(readBody(request.body, policyBody).role) },
  }),
};
