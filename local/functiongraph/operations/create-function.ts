import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { unpackCode } from '../code-package';
import { deployedFunction } from '../deployed-function';
import { FunctionGraphError } from '../errors';
import { createFunctionBody, parseBody, refuseRuntime, refuseSharedKeys } from '../function-configuration';
import type { Operation } from '../operation';
import { functionView } from '../views';

/** Creates a function from a zip in the body. */
export const createFunction: Operation = {
  method: 'POST',
  path: 'fgs/functions',
  async handle(platform, { body }) {
    const {
      code_type: _type,
      code_filename: _name,
      func_code: code,
      type: _version,
      ...configuration
    } = parseBody(createFunctionBody, body);
    refuseRuntime(configuration.runtime, platform.behaviour);
    refuseSharedKeys(configuration);
    const refuseExisting = () => {
      if (!platform.functions.has(configuration.func_name)) return;
      throw new FunctionGraphError('FSS.1061', `function "${configuration.func_name}" already exists`);
    };
    refuseExisting();
    const { func_name: name, package: packageName } = configuration;
    const directory = await mkdtemp(path.join(platform.surroundings.workDirectory, `${name}-`));
    try {
      const unpacked = await unpackCode(code.file, directory);
      refuseExisting();
      const deployed = deployedFunction(
        {
          name,
          urn: `urn:fss:${platform.region}:${platform.projectId}:function:${packageName}:${name}:latest`,
          version: 'latest',
          versionDescription: '',
          directory,
          configuration,
          code: unpacked,
          lastModifiedMs: platform.clock(),
        },
        platform.surroundings,
      );
      platform.functions.set(name, deployed);
      return { status: 200, body: functionView(platform, deployed) };
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  },
};
