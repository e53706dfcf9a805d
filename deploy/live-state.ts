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
 * @param asksForEach whether functions that are not listed are asked for: lists come a moment after what they list
 * @throws CallFailed
 */
export async function liveState(
  api: FunctionGraphApi,
  wanted: Pick<DesiredState, 'service' | 'stage' | 'functions'>,
  asksForEach = false,
): Promise<LiveState> {
  const mark = ownerMark(wanted);
  const names = new Set(wanted.functions.map(({ name }) => name));
  const listed = await api.listFunctions();
  const isOwn = ({ description }: { description?: string | null | undefined }) =>
    (description ?? '').endsWith(mark);
  const relevant = listed
    .filter((one) => isOwn(one) || names.has(one.func_name))
    .map(({ func_name }) => func_name);
  const look = async (name: string): Promise<LiveFunction | undefined> => {
    const [configuration, triggers, asynchronous] = await Promise.all([
      api.showFunction(name),
      api.listTriggers(name),
      api.showAsynchronous(name),
    ]);
    // undefined: deleted since it was listed.
    return configuration && { name, isOwn: isOwn(configuration), configuration, triggers, asynchronous };
  };
  const unlisted = asksForEach ? [...names].filter((name) => !relevant.includes(name)) : [];
  const functions = await Promise.all([
    ...relevant.map(look),
    ...unlisted.map(async (name) => ((await api.showFunction(name)) === undefined ? undefined : look(name))),
  ]);
  return { functions: functions.filter((one) => one !== undefined) };
}
