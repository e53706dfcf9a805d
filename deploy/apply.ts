import { adviceFor } from './advice';
import { CallFailed } from './cloud-api';
import { DeployError } from './errors';
import type { FunctionGraphApi, LiveTrigger } from './functiongraph-api';
import type { Addition, FunctionChange, Plan, Removal } from './plan';
import { describeAddition, describeRemoval } from './plan-text';

/** Zip of each function, by its name in `serverless.yml`. */
export type Zips = Readonly<Record<string, Buffer>>;

/** Something else has the place, or there is no room: a removal may free it. */
const TAKEN = new Set(['FSS.1108', 'FSS.1145', 'FSS.1146', 'FSS.1147', 'FSS.1148', 'FSS.1306', 'FSS.1307']);

/**
 * Carries out a plan with as little downtime as possible. First the functions, which serve old and new triggers. Then
 * new triggers beside the old ones; if the cloud does not allow both, the old one is removed first. Last,
 * everything that is no longer desired. A failure does not stop calls that run in parallel, but it stops the following
 * rounds. The next run finds what was done and does the rest.
 * @throws DeployError with a line for every call that failed
 */
export async function apply(plan: Plan, zips: Zips, api: FunctionGraphApi): Promise<void> {
  const { functions, removals, additions } = plan;
  const fresh = new Set(
    functions.filter(({ action }) => action !== 'update').map(({ desired }) => desired.name),
  );
  await round(
    functions,
    ({ desired }) => desired.name,
    (change) => changeFunction(change, zips, api),
  );
  const postponed: Addition[] = [];
  await round(additions, describeAddition, async (addition) => {
    const work = async () => {
      if (!(await addBeside(addition, removals, api))) postponed.push(addition);
    };
    await (fresh.has(addition.functionName) ? onceThere(addition.functionName, api, work) : work());
  });
  const rivalsOf = (addition: Addition) => removals.filter((removal) => standsInTheWay(removal, addition));
  // If no rival is known, for example with too many triggers, any removal may free the place.
  const inTheWay = postponed.some((addition) => rivalsOf(addition).length === 0)
    ? removals
    : removals.filter((removal) => postponed.some((addition) => rivalsOf(addition).includes(removal)));
  await round(inTheWay, describeRemoval, (removal) => remove(removal, api));
  await round(postponed, describeAddition, (addition) => addInPlace(addition, api));
  const rest = removals.filter((removal) => !inTheWay.includes(removal));
  await round(rest, describeRemoval, (removal) => remove(removal, api));
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
    // The function exists but was not in the list: it was created a moment ago, and another look will show it.
    isOutcomeUnknown &&= result.reason.isOutcomeUnknown || result.reason.code === 'FSS.1061';
  }
  if (lines.length > 0) throw new DeployError(lines, isOutcomeUnknown);
}

async function changeFunction(change: FunctionChange, zips: Zips, api: FunctionGraphApi): Promise<void> {
  const { desired, action, configuration, sendsCode, clearsSecrets, asynchronous } = change;
  const zip = zips[desired.key];
  if (sendsCode && zip === undefined) throw new DeployError([`the package has no code of ${desired.key}`]);
  if (action === 'recreate') await removeFunction(desired.name, api);
  if (action !== 'update' && zip !== undefined) await api.createFunction(desired, zip);
  const isNew = action !== 'update';
  const there = (work: () => Promise<void>) => (isNew ? onceThere(desired.name, api, work) : work());
  if (configuration.length > 0) await there(() => api.updateConfiguration(desired, clearsSecrets));
  if (action === 'update' && sendsCode && zip !== undefined) await api.updateCode(desired.name, zip);
  const { asynchronous: settings } = desired;
  if (asynchronous === 'set' && settings !== undefined) {
    await there(() => api.updateAsynchronous(desired.name, settings));
  }
  if (asynchronous === 'clear') await api.deleteAsynchronous(desired.name);
}

/** A function that was created a moment ago may not be found yet. */
async function onceThere(
  name: string,
  { cloud }: FunctionGraphApi,
  work: () => Promise<void>,
): Promise<void> {
  let refusal: CallFailed | undefined;
  const isDone = await cloud.until(`waiting for ${name} to be found`, async () => {
    try {
      await work();
      return true;
    } catch (error) {
      const isUnknown =
        error instanceof CallFailed && error.status === 404 && /^(FSS.1051)?$/.test(error.code);
      if (!isUnknown) throw error;
      refusal = error;
      return false;
    }
  });
  if (!isDone && refusal !== undefined) throw refusal;
}

async function remove(removal: Removal, api: FunctionGraphApi): Promise<void> {
  const { functionName } = removal;
  if (removal.what === 'function') return removeFunction(functionName, api);
  await api.deleteTrigger(functionName, removal.trigger);
}

/** Triggers first: an API leaves the gateway with its trigger. Whether it leaves with its function is not documented. */
export async function removeFunction(name: string, api: FunctionGraphApi): Promise<void> {
  for (const trigger of await api.listTriggers(name)) await api.deleteTrigger(name, trigger);
  await api.deleteFunction(name);
}

/** @returns false when something else must be removed first */
async function addBeside(
  addition: Addition,
  removals: readonly Removal[],
  api: FunctionGraphApi,
): Promise<boolean> {
  const rivals = removals.filter((removal) => standsInTheWay(removal, addition));
  // The cloud may treat two with the same name as one: deleting the old one would delete the new one too.
  if (rivals.some((rival) => hasNameOf(rival, addition))) return false;
  try {
    await add(addition, api);
    return true;
  } catch (error) {
    const isRefused = error instanceof CallFailed && error.status > 0 && !error.isOutcomeUnknown;
    if (isRefused && (rivals.length > 0 || (TAKEN.has(error.code) && removals.length > 0))) return false;
    throw error;
  }
}

/** Takes a place that was freed. A deletion in the background may still hold it for a while. */
async function addInPlace(addition: Addition, api: FunctionGraphApi): Promise<void> {
  let refusal: CallFailed | undefined;
  const isDone = await api.cloud.until(`waiting for the place of ${describeAddition(addition)}`, async () => {
    try {
      await add(addition, api);
      return true;
    } catch (error) {
      if (!(error instanceof CallFailed) || !TAKEN.has(error.code)) throw error;
      refusal = error;
      return false;
    }
  });
  if (!isDone && refusal !== undefined) throw refusal;
}

async function add(addition: Addition, api: FunctionGraphApi): Promise<void> {
  const { functionName } = addition;
  if (addition.what === 'status') {
    return api.setTriggerStatus(functionName, addition.id, addition.type, addition.status);
  }
  return api.createTrigger(functionName, addition.trigger);
}

/** True when the removal may be needed before the addition. */
function standsInTheWay(removal: Removal, addition: Addition): boolean {
  if (addition.what === 'status') return false;
  // The function's triggers are unknown here.
  if (removal.what === 'function') return true;
  const { type, eventData } = addition.trigger;
  if (removal.trigger.trigger_type_code !== type) {
    return isOfGateway(type) && isOfGateway(removal.trigger.trigger_type_code);
  }
  return placeOf(type, eventData, addition) === placeOf(type, removal.trigger.event_data, removal);
}

function placeOf(
  type: string,
  data: LiveTrigger['event_data'],
  { functionName }: { functionName: string },
): string {
  if (isOfGateway(type)) return `${data.group_id ?? ''} ${data.req_method} ${data.path}`;
  if (type === 'TIMER') return `${functionName} ${data.name}`;
  return type === 'OBS' ? String(data.bucket) : functionName;
}

function hasNameOf(removal: Removal, addition: Addition): boolean {
  if (removal.what === 'function' || addition.what === 'status') return false;
  const { trigger_type_code: type, event_data: data } = removal.trigger;
  return (type === 'TIMER' || type === 'OBS') && data.name === addition.trigger.eventData.name;
}

function isOfGateway(type: string): boolean {
  return type === 'APIG' || type === 'DEDICATEDGATEWAY';
}
