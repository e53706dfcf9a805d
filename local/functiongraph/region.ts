/** Runtimes of Node.js event functions, oldest first (FunctionGraph user guide, supported runtimes). */
export const RUNTIMES = [
  'Node.js6.10',
  'Node.js8.10',
  'Node.js10.16',
  'Node.js12.13',
  'Node.js14.18',
  'Node.js16.17',
  'Node.js18.15',
  'Node.js20.15',
] as const;

/** The types of triggers that the local cloud has. */
export const TRIGGER_TYPES = ['TIMER', 'OBS', 'EVENTGRID', 'SMN', 'APIG', 'DEDICATEDGATEWAY'] as const;

/** The runtimes that a region has, oldest first. */
export function runtimesOf({ newestRuntime }: { newestRuntime: (typeof RUNTIMES)[number] }): string[] {
  return RUNTIMES.slice(0, RUNTIMES.indexOf(newestRuntime) + 1);
}

/** The types of triggers that a region has. */
export function triggerTypesOf({
  missingTriggerType,
}: {
  missingTriggerType: (typeof TRIGGER_TYPES)[number] | 'none';
}): string[] {
  return TRIGGER_TYPES.filter((type) => type !== missingTriggerType);
}
