import { notFound } from '../errors';
import type { Operation } from '../operation';

export const unbindAcl: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/acl-bindings/{acl_bindings_id}',
  action: 'apig:aclBindings:delete',
  run({ names: { acl_bindings_id: id = '', ...names } }, { access }) {
    if (!access(names).policyBindings.delete(id)) throw notFound('APIG.3012', `Binding ${id}`);
    return { status: 204 };
  },
};
