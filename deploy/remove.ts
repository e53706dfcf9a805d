import { removePolicies } from './access/access';
import { removeFunction } from './apply';
import { withAdvice } from './deploy';
import { ownerMark } from './desired-state';
import type { Session } from './session';

/**
 * Deletes every function of the stage with its triggers, also those that are no longer in `serverless.yml`, and
 * its throttling and access policies. Buckets, their objects, agency, API group and callers stay. A missing function is no
 * error.
 */
export async function remove({ desired, api, print }: Session): Promise<void> {
  const mark = ownerMark(desired);
  await withAdvice(async () => {
    const listed = await api.listFunctions();
    const own = listed.filter(({ description }) => (description ?? '').endsWith(mark));
    await Promise.all(
      own.map(async ({ func_name: name }) => {
        await removeFunction(name, api);
        print(`- ${name}`);
      }),
    );
    const policies = await removePolicies(desired, api.cloud);
    for (const name of policies) print(`- ${name}`);
    if (own.length + policies.length === 0) print('nothing to remove');
  });
}
