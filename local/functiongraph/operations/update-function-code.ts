import { unpackCode } from '../code-package';
import { FunctionGraphError } from '../errors';
import { parseBody, updateCodeBody } from '../function-configuration';
import type { Operation } from '../operation';
import { latestOfUrn } from '../platform';
import { functionView } from '../views';

/** Replaces the code. Running requests end with the old code. */
export const updateFunctionCode: Operation = {
  method: 'PUT',
  path: 'fgs/functions/{urn}/code',
  async handle(platform, { params, body }) {
    const deployed = latestOfUrn(platform, params.urn ?? '');
    const { func_code: code } = parseBody(updateCodeBody, body);
    const unpacked = await unpackCode(code.file, deployed.directory);
    if (unpacked.digest === deployed.code.digest) {
      throw new FunctionGraphError(
        'FSS.0409',
        `func_code.file is the code that ${deployed.name} already has`,
      );
    }
    deployed.code = unpacked;
    deployed.lastModifiedMs = platform.clock();
    await deployed.pool.retire();
    return { status: 200, body: functionView(platform, deployed) };
  },
};
