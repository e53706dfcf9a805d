import { adviceFor } from './advice';
import { CallFailed } from './cloud-api';
import { DeployError } from './errors';
import type { FunctionGraphApi } from './functiongraph-api';
import type { Addition, FunctionChange, Plan, Removal } from './plan';
import { describeAddition, describeRemoval } from './plan-text';

/** Zip of each function, by its name in `serverless.yml`. */
export type Zips = Readonly<Record<string, Buffer>>;

/** Triggers are deleted in the background: what they held may be taken for a little longer. */
const STILL_TAKEN = new Set(['FSS.1108', 'FSS.1145', 'FSS.1146', 'FSS.1147', 'FSS.1148', 'FSS.1307']);
const STILL_TAKEN_TRIES = 4;
const STILL_TAKEN_PAUSE_MS = 1000;

/**
 * Carries a plan out. A failure does not stop what runs beside it, but the rounds after it:
 * whatever was done is found by the next run, which does the rest.
 * @throws DeployError with a line for every call that failed
 */
export async function apply(plan: Plan, zips: Zips, api: FunctionGraphApi): Promise<void> {
  await round(
    plan.functions,
    ({ wanted }) => wanted.name,
    (change) => changeFunction(change, zips, api),
  );
  await round(plan.removals, describeRemoval, (removal) => remove(removal, api));
  const isFreed = plan.removals.length > 0;
  await round(plan.additions, describeAddition, (addition) => add(addition, isFreed, api));
}

async function round<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  const lines: string[] = [];
  let isOutcomeUnknown = true;
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    if (!(result.reason instanceof CallFailed)) throw result.reason;
    lines.push(`${nameOf(items[index] as T)}: ${adviceFor(result.reason)}`);
    isOutcomeUnknown &&= result.reason.isOutcomeUnknown;
  }
  if (lines.length > 0) throw new DeployError(lines, isOutcomeUnknown);
}

async function changeFunction(change: FunctionChange, zips: Zips, api: FunctionGraphApi): Promise<void> {
  const { wanted, action, configuration, sendsCode, asynchronous } = change;
  const zip = zips[wanted.key];
  if (sendsCode && zip === undefined) throw new DeployError([`the package has no code of ${wanted.key}`]);
  if (action === 'recreate') await removeFunction(wanted.name, api);
  if (action !== 'update' && zip !== undefined) await api.createFunction(wanted, zip);
  if (configuration.length > 0) await api.updateConfiguration(wanted);
  if (action === 'update' && sendsCode && zip !== undefined) await api.updateCode(wanted.name, zip);
  if (asynchronous === 'set' && wanted.asynchronous !== undefined) {
    await api.updateAsynchronous(wanted.name, wanted.asynchronous);
  }
  if (asynchronous === 'clear') await api.deleteAsynchronous(wanted.name);
}

async function remove(removal: Removal, api: FunctionGraphApi): Promise<void> {
  const { functionName } = removal;
  if (removal.what === 'function') return removeFunction(functionName, api);
  await api.deleteTrigger(functionName, removal.trigger.trigger_id, removal.trigger.trigger_type_code);
}

/** Triggers first: whether an API leaves the gateway with its function is not documented, with its trigger it does. */
export async function removeFunction(name: string, api: FunctionGraphApi): Promise<void> {
  const triggers = await api.listTriggers(name);
  for (const { trigger_id, trigger_type_code } of triggers) {
    await api.deleteTrigger(name, trigger_id, trigger_type_code);
  }
  await api.deleteFunction(name);
}

async function add(addition: Addition, isFreed: boolean, api: FunctionGraphApi): Promise<void> {
  const { functionName } = addition;
  if (addition.what === 'status') {
    return api.setTriggerStatus(functionName, addition.id, addition.type, addition.status);
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await api.createTrigger(functionName, addition.trigger);
    } catch (error) {
      const mayGetFree = isFreed && error instanceof CallFailed && STILL_TAKEN.has(error.code);
      if (!mayGetFree || tries === STILL_TAKEN_TRIES) throw error;
      await api.cloud.pause(STILL_TAKEN_PAUSE_MS);
    }
  }
}
