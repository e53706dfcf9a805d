import type { AccessPlan } from './access/access';
import type { LiveTrigger } from './functiongraph-api';
import type { Addition, FunctionChange, Plan, Removal } from './plan';

/** A plan for people: one line for each change. */
export function planText(
  { functions, removals, additions, warnings }: Plan,
  access: AccessPlan = { steps: [], warnings: [], unlisted: [] },
): string[] {
  const lines = [
    ...functions.map(functionLine),
    ...removals.map((removal) => `- ${describeRemoval(removal)}`),
    ...additions.map((addition) => `${addition.what === 'status' ? '~' : '+'} ${describeAddition(addition)}`),
  ];
  lines.push(...access.steps.map(({ text }) => text));
  return [
    ...(lines.length > 0 ? lines : ['nothing to do']),
    ...[...warnings, ...access.warnings].map((warning) => `! ${warning}`),
  ];
}

function functionLine({ desired, action, configuration, sendsCode, asynchronous }: FunctionChange): string {
  const { name, runtime, memoryMb, timeoutSeconds } = desired;
  if (action === 'create') return `+ ${name}: ${runtime}, ${memoryMb} MB, ${timeoutSeconds} s`;
  if (action === 'recreate') return `± ${name}: deleted and created again for ${runtime}`;
  const changes = configuration.map(({ field, change }) =>
    change === undefined ? field : `${field} ${change}`,
  );
  if (sendsCode) changes.push('code');
  if (asynchronous !== 'keep') changes.push('asynchronous');
  return `~ ${name}: ${changes.join(', ')}`;
}

/** What is removed, in the words of the plan. */
export function describeRemoval(removal: Removal): string {
  if (removal.what === 'function') return removal.functionName;
  const { trigger_type_code, event_data } = removal.trigger;
  return `${removal.functionName} ${describeTrigger(trigger_type_code, event_data)}`;
}

/** What is added or switched, in the words of the plan. */
export function describeAddition(addition: Addition): string {
  if (addition.what === 'status')
    return `${addition.functionName} ${addition.type} ${addition.name}: ${addition.status}`;
  const { type, eventData } = addition.trigger;
  return `${addition.functionName} ${describeTrigger(type, eventData)}`;
}

/** For example `APIG POST /snapshots`, `OBS videos/uploads/*.mp4`, `TIMER sweep 5m`. */
export function describeTrigger(type: string, data: LiveTrigger['event_data']): string {
  switch (type) {
    case 'APIG':
    case 'DEDICATEDGATEWAY':
      return `${type} ${data.req_method} ${data.path} (${data.auth})`;
    case 'OBS':
    case 'EVENTGRID':
      // FunctionGraph does not return all fields of an EventGrid trigger.
      return `${type} ${data.bucket ?? data.trigger_name ?? ''}/${data.prefix ?? ''}*${data.suffix ?? ''}`;
    case 'SMN':
      return `SMN ${data.topic_urn}`;
    case 'TIMER':
      return `TIMER ${data.name} ${data.schedule}`;
    default:
      return type;
  }
}
