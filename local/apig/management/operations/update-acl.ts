import {
  aclBody,
  aclOf,
  aclView,
  type Operation,
  policyContentOf,
  readBody,
  requireFreeAclName,
} from '../operation';

export const updateAcl: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/acls/{acl_id}',
  action: 'apig:acls:update',
  run({ names, body }, { access }) {
    const policy = aclOf(access(names), names.acl_id);
    const content = policyContentOf(readBody(body, aclBody));
    requireFreeAclName(access(names), content.name, policy.id);
    Object.assign(policy, content);
    return { status: 200, body: aclView(policy) };
  },
};
