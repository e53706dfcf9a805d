import { asyncInvokeConfiguration, refuseEventAge } from '../async-invoke-configuration';
import { parseBody } from '../function-configuration';
import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';
import { asyncInvokeView } from '../views';

/** Sets retries, event age, status log and destinations of asynchronous invocations. */
export const updateAsyncInvokeConfig: Operation = {
  method: 'PUT',
  path: 'fgs/functions/{urn}/async-invoke-config',
  handle(platform, { params, body }) {
    const deployed = functionOfUrn(platform, params.urn ?? '');
    const configuration = parseBody(asyncInvokeConfiguration, body);
    refuseEventAge(configuration, platform.behaviour);
    deployed.asyncInvoke = configuration;
    return { status: 200, body: asyncInvokeView(deployed) };
  },
};
