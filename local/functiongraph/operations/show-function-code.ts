import type { Operation } from '../operation';
import { functionOfUrn } from '../platform';
import { functionView } from '../views';

/** Shows size and digest of a function's code, but not the zip itself. */
export const showFunctionCode: Operation = {
  method: 'GET',
  path: 'fgs/functions/{urn}/code',
  handle(platform, { params }) {
    const view = functionView(platform, functionOfUrn(platform, params.urn ?? ''));
    const { func_urn, func_name, runtime, code_type, code_filename, code_size, digest, last_modified } = view;
    return {
      status: 200,
      body: { func_urn, func_name, runtime, code_type, code_filename, code_size, digest, last_modified },
    };
  },
};
