import { limitsOf, type Operation, readBody, throttleBody, throttleView } from '../operation';

export const createThrottle: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/throttles',
  action: 'apig:throttles:create',
  run({ names, body }, { access }) {
    const throttle = access(names).addThrottle(limitsOf(readBody(body, throttleBody)));
    return { status: 201, body: throttleView(throttle, access(names)) };
  },
};
