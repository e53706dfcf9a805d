import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';
import { functionView } from '../views';

export const showFunctionConfig: Operation = {
  method: 'GET',
  path: 'fgs/functions/{urn}/config',
  handle: (platform, { params }) => ({
    status: 200,
    body: functionView(platform, functionOfUrn(platform, params.urn ?? '')),
  }),
};
