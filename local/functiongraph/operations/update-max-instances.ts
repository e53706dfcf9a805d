import * as z from 'zod';
import { maxInstances, parseBody } from '../function-configuration';
import type { Operation } from '../operation';
import { latestOfUrn } from '../platform';
import { functionView } from '../views';

const updateMaxInstancesBody = z.object({ max_instance_num: maxInstances });

/** Sets how many instances may run at the same time. Running ones stay. */
export const updateMaxInstances: Operation = {
  method: 'PUT',
  path: 'fgs/functions/{urn}/config-max-instance',
  handle(platform, { params, body }) {
    const deployed = latestOfUrn(platform, params.urn ?? '');
    const { max_instance_num: concurrency } = parseBody(updateMaxInstancesBody, body);
    const { configuration } = deployed;
    deployed.configuration = {
      ...configuration,
      strategy_config: { ...configuration.strategy_config, concurrency },
    };
    deployed.lastModifiedMs = platform.clock();
    platform.queue.drain();
    return { status: 200, body: functionView(platform, deployed) };
  },
};
