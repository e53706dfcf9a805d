import { aclBody, aclView, type Operation, policyContentOf, readBody } from '../operation';

export const createAcl: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/acls',
  action: 'apig:acls:create',
  run({ names, body }, { access }) {
    const policy = access(names).addPolicy(policyContentOf(readBody(body, aclBody)));
    return { status: 201, body: aclView(policy) };
  },
};
