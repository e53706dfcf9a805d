import { FunctionGraphError } from '../errors';
import {
  parseBody,
  refuseSharedKeys,
  refuseStrategy,
  updateConfigurationBody,
} from '../function-configuration';
import type { Operation } from '../operation';
import { latestOfUrn } from '../platform';
import { functionView } from '../views';

/** Changes the configuration. Omitted fields keep their values. Name and runtime cannot change. */
export const updateFunctionConfig: Operation = {
  method: 'PUT',
  path: 'fgs/functions/{urn}/config',
  async handle(platform, { params, body }) {
    const deployed = latestOfUrn(platform, params.urn ?? '');
    const changes = parseBody(updateConfigurationBody, body);
    for (const field of ['func_name', 'runtime'] as const) {
      if (changes[field] === deployed.configuration[field]) continue;
      throw new FunctionGraphError(
        field === 'runtime' ? 'FSS.1005' : 'FSS.1002',
        `${field} "${changes[field]}" differs from "${deployed.configuration[field]}": it cannot change after creation, delete and create the function instead`,
      );
    }
    refuseStrategy(changes.strategy_config, platform.behaviour);
    const { strategy_config: strategy } = deployed.configuration;
    const configuration = {
      ...deployed.configuration,
      ...changes,
      // The number of instances stays if the client sends only that of requests, as Terraform does.
      ...(changes.strategy_config !== undefined && {
        strategy_config: { ...strategy, ...changes.strategy_config },
      }),
    };
    refuseSharedKeys(configuration);
    deployed.configuration = configuration;
    deployed.lastModifiedMs = platform.clock();
    await deployed.pool.retire();
    platform.queue.drain();
    return { status: 200, body: functionView(platform, deployed) };
  },
};
