import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';

/** Restores the defaults of asynchronous invocations. */
export const deleteAsyncInvokeConfig: Operation = {
  method: 'DELETE',
  path: 'fgs/functions/{urn}/async-invoke-config',
  handle(platform, { params }) {
    functionOfUrn(platform, params.urn ?? '').asyncInvoke = undefined;
    return { status: 204 };
  },
};
