import { notFound } from '../errors';
import type { Operation } from '../operation';

export const cancelAuthorization: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/app-auths/{app_auth_id}',
  action: 'apig:appAuths:delete',
  run({ names: { app_auth_id: id = '', ...names } }, { access }) {
    if (!access(names).authorizations.delete(id)) throw notFound('APIG.3007', `Authorization record ${id}`);
    return { status: 204 };
  },
};
