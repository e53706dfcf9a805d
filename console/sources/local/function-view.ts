import type { DeployedFunction, FunctionGraph } from '../../../local/functiongraph/functiongraph';
import type { Trigger } from '../../../local/functiongraph/triggers';
import type { FunctionSettings, Timer } from '../../server/console-api';

/** How a function is deployed; encrypted user data is not shown. */
export function settingsView({ name, configuration, triggers }: DeployedFunction): FunctionSettings {
  const maxInstances = configuration.strategy_config?.concurrency ?? -1;
  const userData: Record<string, unknown> = JSON.parse(configuration.user_data || '{}');
  return {
    functionName: name,
    runtime: configuration.runtime,
    memoryMb: configuration.memory_size,
    timeoutSeconds: configuration.timeout,
    ...(maxInstances !== -1 && { maxInstances }),
    triggers: triggers.map(triggerInWords),
    userData: Object.fromEntries(Object.entries(userData).map(([key, value]) => [key, String(value)])),
  };
}

/** All timers, and when each fires next. */
export function timersView(functiongraph: Pick<FunctionGraph, 'timers'>): Timer[] {
  return functiongraph.timers().map(({ functionName, trigger, nextMs }) => ({
    functionName,
    name: trigger.data.name,
    schedule: `${trigger.data.schedule_type} ${trigger.data.schedule}`,
    isActive: trigger.status === 'ACTIVE',
    ...(nextMs !== undefined && { nextAtMs: nextMs }),
  }));
}

function triggerInWords(trigger: Trigger): string {
  switch (trigger.type) {
    case 'TIMER':
      return `TIMER ${trigger.data.name} ${trigger.data.schedule_type} ${trigger.data.schedule}`;
    case 'OBS':
      return `OBS ${filterInWords(trigger.data)} ${trigger.data.events.join(' ')}`;
    case 'EVENTGRID':
      return `EVENTGRID ${filterInWords(trigger.data)} ${trigger.data.event_types.join(' ')}`;
    case 'SMN':
      return `SMN ${trigger.data.topic_urn}`;
    case 'APIG':
    case 'DEDICATEDGATEWAY':
      return `${trigger.type} ${trigger.data.req_method} ${trigger.data.path} (${trigger.data.auth})`;
  }
}

function filterInWords({
  bucket,
  prefix,
  suffix,
}: {
  bucket: string;
  prefix: string;
  suffix: string;
}): string {
  return prefix === '' && suffix === '' ? bucket : `${bucket}/${prefix}*${suffix}`;
}
