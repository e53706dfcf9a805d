import * as z from 'zod';
import { aclOf, type Operation, publicationOf, readBody } from '../operation';

const body = z.object({ acl_id: z.string(), publish_ids: z.array(z.string()).min(1) });

export const bindAcl: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/acl-bindings',
  action: 'apig:aclBindings:create',
  run({ names, body: sent }, { access, apis }) {
    const { acl_id: id, publish_ids: publishIds } = readBody(sent, body);
    const policy = aclOf(access(names), id);
    const published = publishIds.map((publishId) => publicationOf(apis(names), publishId));
    const acl_bindings = published.map((api) => {
      const binding = access(names).bindPolicy(policy.id, api.publishId);
      const create_time = new Date(binding.boundMs).toISOString();
      return { id: binding.id, api_id: api.apiId, env_id: api.envId, acl_id: policy.id, create_time };
    });
    return { status: 201, body: { acl_bindings } };
  },
};
