import { aclBody, aclOf, aclView, type Operation, policyContentOf, readBody } from '../operation';

export const updateAcl: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/acls/{acl_id}',
  action: 'apig:acls:update',
  run({ names, body }, { access }) {
    const policy = aclOf(access(names), names.acl_id);
    Object.assign(policy, policyContentOf(readBody(body, aclBody)));
    return { status: 200, body: aclView(policy) };
  },
};
