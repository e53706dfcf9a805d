import { notFound } from '../errors';
import type { Operation } from '../operation';

export const unbindThrottle: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/throttle-bindings/{throttle_binding_id}',
  action: 'apig:throttleBindings:delete',
  run({ names: { throttle_binding_id: id = '', ...names } }, { access }) {
    if (!access(names).throttleBindings.delete(id)) throw notFound('APIG.3008', `Binding ${id}`);
    return { status: 204 };
  },
};
