import {
  limitsOf,
  type Operation,
  readBody,
  requireFreeThrottleName,
  throttleBody,
  throttleView,
} from '../operation';

export const createThrottle: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/throttles',
  action: 'apig:throttles:create',
  run({ names, body }, { access }) {
    const limits = limitsOf(readBody(body, throttleBody));
    requireFreeThrottleName(access(names), limits.name);
    const throttle = access(names).addThrottle(limits);
    return { status: 201, body: throttleView(throttle, access(names)) };
  },
};
