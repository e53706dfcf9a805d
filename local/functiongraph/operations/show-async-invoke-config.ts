import { FunctionGraphError } from '../errors';
import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';
import { asyncInvokeView } from '../views';

export const showAsyncInvokeConfig: Operation = {
  method: 'GET',
  path: 'fgs/functions/{urn}/async-invoke-config',
  handle(platform, { params }) {
    const deployed = functionOfUrn(platform, params.urn ?? '');
    if (deployed.asyncInvoke === undefined) {
      throw new FunctionGraphError('FSS.0404', `function ${deployed.name} has no asynchronous configuration`);
    }
    return { status: 200, body: asyncInvokeView(deployed) };
  },
};
