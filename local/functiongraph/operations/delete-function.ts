import { rm } from 'node:fs/promises';
import type { Operation } from '../operation';
import { detachTriggers, functionOfUrn, versionsOf } from '../platform';

/**
 * Deletes a published version, or a whole function with its versions, triggers, waiting events, instances and files.
 */
export const deleteFunction: Operation = {
  method: 'DELETE',
  path: 'fgs/functions/{urn}',
  async handle(platform, { params }) {
    const deployed = functionOfUrn(platform, params.urn ?? '');
    if (deployed.version !== 'latest') {
      platform.functions.get(deployed.name)?.versions.delete(deployed.version);
      await deployed.pool.close();
      platform.queue.drain();
      return { status: 204 };
    }
    platform.functions.delete(deployed.name);
    detachTriggers(platform, deployed, () => true);
    await Promise.all(versionsOf(deployed).map(({ pool }) => pool.close()));
    platform.queue.drain();
    await rm(deployed.directory, { recursive: true, force: true, maxRetries: 3 });
    return { status: 204 };
  },
};
