import * as z from 'zod';
import { type Operation, publicationOf, readBody, throttleOf } from '../operation';

const body = z.object({ strategy_id: z.string().min(1).max(65), publish_ids: z.array(z.string()).min(1) });

export const bindThrottle: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/throttle-bindings',
  action: 'apig:throttleBindings:create',
  run({ names, body: sent }, { access, apis }) {
    const { strategy_id: id, publish_ids: publishIds } = readBody(sent, body);
    const throttle = throttleOf(access(names), id);
    for (const publishId of publishIds) publicationOf(apis(names), publishId);
    const bound = publishIds.map((publishId) => access(names).bindThrottle(throttle.id, publishId));
    const views = bound.map(({ id: binding, publishId, boundMs }) => ({
      id: binding,
      publish_id: publishId,
      scope: 1,
      strategy_id: throttle.id,
      apply_time: new Date(boundMs).toISOString(),
    }));
    return { status: 201, body: { throttle_applys: views } };
  },
};
