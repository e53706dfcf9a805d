import { type DesiredState, ownerMark } from './desired-state';
import type { FunctionGraphApi, LiveAsynchronous, LiveConfiguration, LiveTrigger } from './functiongraph-api';

/** A function as it is in the cloud. */
export interface LiveFunction {
  name: string;
  /** Deployed from here; false for another's that has a name of ours. */
  isOwn: boolean;
  configuration: LiveConfiguration;
  triggers: readonly LiveTrigger[];
  asynchronous: LiveAsynchronous | undefined;
}

/** What is in the cloud of a stage, and whatever stands in the way of it. */
export interface LiveState {
  functions: readonly LiveFunction[];
}

/**
 * Reads the functions of this service and stage, and those of others that have a name that is wanted.
 * @throws CallFailed
 */
export async function liveState(
  api: FunctionGraphApi,
  wanted: Pick<DesiredState, 'service' | 'stage' | 'functions'>,
): Promise<LiveState> {
  const mark = ownerMark(wanted);
  const names = new Set(wanted.functions.map(({ name }) => name));
  const listed = await api.listFunctions();
  const relevant = listed
    .map(({ func_name: name, description }) => ({ name, isOwn: (description ?? '').endsWith(mark) }))
    .filter(({ name, isOwn }) => isOwn || names.has(name));
  const functions = await Promise.all(
    relevant.map(async ({ name, isOwn }): Promise<LiveFunction | undefined> => {
      const [configuration, triggers, asynchronous] = await Promise.all([
        api.showFunction(name),
        api.listTriggers(name),
        api.showAsynchronous(name),
      ]);
      // undefined: deleted since it was listed.
      return configuration && { name, isOwn, configuration, triggers, asynchronous };
    }),
  );
  return { functions: functions.filter((one) => one !== undefined) };
}
