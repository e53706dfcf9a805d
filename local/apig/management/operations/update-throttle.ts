import { limitsOf, type Operation, readBody, throttleBody, throttleOf, throttleView } from '../operation';

export const updateThrottle: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/throttles/{throttle_id}',
  action: 'apig:throttles:update',
  run({ names, body }, { access }) {
    const throttle = throttleOf(access(names), names.throttle_id);
    Object.assign(throttle, limitsOf(readBody(body, throttleBody)));
    return { status: 200, body: throttleView(throttle, access(names)) };
  },
};
