import { type Operation, throttleOf } from '../operation';

export const deleteThrottle: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/throttles/{throttle_id}',
  action: 'apig:throttles:delete',
  run({ names }, { access }) {
    access(names).removeThrottle(throttleOf(access(names), names.throttle_id).id);
    return { status: 204 };
  },
};
