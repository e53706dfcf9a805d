import {
  limitsOf,
  type Operation,
  readBody,
  requireFreeThrottleName,
  throttleBody,
  throttleOf,
  throttleView,
} from '../operation';

export const updateThrottle: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/throttles/{throttle_id}',
  action: 'apig:throttles:update',
  run({ names, body }, { access }) {
    const throttle = throttleOf(access(names), names.throttle_id);
    const limits = limitsOf(readBody(body, throttleBody));
    requireFreeThrottleName(access(names), limits.name, throttle.id);
    Object.assign(throttle, limits);
    return { status: 200, body: throttleView(throttle, access(names)) };
  },
};
