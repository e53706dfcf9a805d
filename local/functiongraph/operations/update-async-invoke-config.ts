import { asyncInvokeConfiguration } from '../async-invoke-configuration';
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
    deployed.asyncInvoke = parseBody(asyncInvokeConfiguration, body);
    return { status: 200, body: asyncInvokeView(deployed) };
  },
};
