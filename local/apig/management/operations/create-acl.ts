import {
  aclBody,
  aclView,
  type Operation,
  policyContentOf,
  readBody,
  requireFreeAclName,
} from '../operation';

export const createAcl: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/acls',
  action: 'apig:acls:create',
  run({ names, body }, { access }) {
    const content = policyContentOf(readBody(body, aclBody));
    requireFreeAclName(access(names), content.name);
    const policy = access(names).addPolicy(content);
    return { status: 201, body: aclView(policy) };
  },
};
