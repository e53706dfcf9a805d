import * as z from 'zod';
import { deployedFunction } from '../deployed-function';
import { FunctionGraphError } from '../errors';
import { parseBody } from '../function-configuration';
import type { Operation } from '../operation';
import { latestOfUrn } from '../platform';
import { functionView } from '../views';

/** Includes `latest`. */
const MAX_VERSIONS = 20;

const publishVersionBody = z.object({
  digest: z.string().optional(),
  version: z
    .string()
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,40}[A-Za-z0-9])?$/,
      'version must have 1 to 42 letters, digits, periods, _ and -, and start and end with a letter or digit',
    )
    .optional(),
  description: z.string().max(512, 'description must have at most 512 characters').optional(),
});

/** Publishes code and configuration of `latest` under a name. The default name is the time in UTC. */
export const publishVersion: Operation = {
  method: 'POST',
  path: 'fgs/functions/{urn}/versions',
  handle(platform, { params, body }) {
    const latest = latestOfUrn(platform, params.urn ?? '');
    const { versions, code, configuration } = latest;
    const nowMs = platform.clock();
    const { digest, version = timeName(nowMs), description } = parseBody(publishVersionBody, body);

    if (digest !== undefined && digest !== code.digest) {
      throw new FunctionGraphError(
        'FSS.0400',
        `digest "${digest}" is not the digest of the latest code, "${code.digest}"`,
      );
    }
    if (version === latest.version || versions.has(version)) {
      throw new FunctionGraphError('FSS.1062', `version "${version}" of ${latest.name} already exists`);
    }
    const last = [...versions.values()].at(-1);
    if (last?.code === code && last.configuration === configuration) {
      throw new FunctionGraphError(
        'FSS.1016',
        `${latest.name} has not changed since version "${last.version}" was published`,
      );
    }
    if (versions.size + 1 >= MAX_VERSIONS) {
      throw new FunctionGraphError(
        'FSS.0403',
        `${latest.name} has ${MAX_VERSIONS} versions, the maximum: delete one first`,
      );
    }
    const { name, directory } = latest;
    const published = deployedFunction(
      {
        name,
        urn: latest.urn.replace(/[^:]+$/, version),
        version,
        versionDescription: description ?? '',
        directory,
        configuration,
        code,
        lastModifiedMs: nowMs,
      },
      platform.surroundings,
    );
    versions.set(version, published);
    return { status: 200, body: functionView(platform, published) };
  },
};

/** `yyyymmdd-HHMMSS` */
function timeName(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}
