import * as z from 'zod';
import type { DesiredState } from '../desired-state';
import type { FunctionGraphApi } from '../functiongraph-api';
import { liveState } from '../live-state';
import { isEmpty, plan } from '../plan';
import { planText } from '../plan-text';
import { type Finding, probe } from './finding';

const Quotas = z.object({
  quotas: z.object({
    resources: z.array(z.object({ type: z.string(), quota: z.number(), used: z.number() })),
  }),
});

/**
 * Checks that the functions are deployed as in `serverless.yml`, without comparing their code, and that the quota has room
 * for them.
 */
export async function checkFunctions(desired: DesiredState, api: FunctionGraphApi): Promise<Finding[]> {
  const point = 'functions';
  const deployCommand = `npm run deploy -- --stage ${desired.stage}`;
  const live = await probe(() => liveState(api, desired));
  if (!live.ok) {
    return [
      {
        point,
        state: live.status === 403 ? 'missing' : 'unseen',
        text: live.reason,
        todo: 'deploying needs the system policy "FunctionGraph FullAccess" in the project of the region',
      },
    ];
  }
  // Code is not compared: the deployed one counts as desired.
  const digests = Object.fromEntries(
    desired.functions.map(({ key, name }) => [
      key,
      live.found.functions.find((one) => one.name === name)?.configuration.digest ?? '',
    ]),
  );
  const todo = plan(desired, live.found, digests);
  const missing = todo.functions.filter(({ action }) => action === 'create').length;
  if (todo.refusals.length > 0) {
    return todo.refusals.map((text) => ({ point, state: 'missing', text }));
  }
  if (missing === desired.functions.length) {
    const room = await quotaFinding(missing, api);
    return [...room, { point, state: 'note', text: 'not deployed yet', todo: deployCommand }];
  }
  if (missing > 0) {
    return [
      ...(await quotaFinding(missing, api)),
      {
        point,
        state: 'missing',
        text: `${missing} of ${desired.functions.length} are missing`,
        todo: deployCommand,
      },
    ];
  }
  if (isEmpty(todo)) {
    return [
      { point, state: 'ok', text: `${desired.functions.length} deployed, with their settings and triggers` },
    ];
  }
  return [
    {
      point,
      state: 'note',
      text: `deployed, and different from serverless.yml: ${planText(todo).join('; ')}`,
      todo: deployCommand,
    },
  ];
}

async function quotaFinding(needed: number, { cloud }: FunctionGraphApi): Promise<Finding[]> {
  const path = `/v2/${cloud.connection.projectId}/fgs/quotas`;
  const quotas = await probe(async () =>
    Quotas.parse((await cloud.call('functiongraph', { method: 'GET', path })).body),
  );
  const point = 'quota of functions';
  if (!quotas.ok) return [{ point, state: 'unseen', text: quotas.reason }];
  const found = quotas.found.quotas.resources.find(({ type }) => type === 'fgs_func_num');
  if (found === undefined) return [{ point, state: 'unseen', text: 'FunctionGraph does not show it' }];
  const text = `${found.used} of ${found.quota} used, ${needed} more are needed`;
  if (found.quota - found.used >= needed) return [{ point, state: 'ok', text }];
  return [
    {
      point,
      state: 'missing',
      text,
      todo: 'delete functions, or request a higher quota in the console (My Quotas)',
    },
  ];
}
