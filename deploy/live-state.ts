import { type DesiredState, ownerMark } from './desired-state';
import type { FunctionGraphApi, LiveAsynchronous, LiveConfiguration, LiveTrigger } from './functiongraph-api';

/** A deployed function. */
export interface LiveFunction {
  name: string;
  /** True if this stage deployed it; false for a foreign function with a name that this stage wants. */
  isOwn: boolean;
  configuration: LiveConfiguration;
  triggers: readonly LiveTrigger[];
  asynchronous: LiveAsynchronous | undefined;
}

/** The deployed functions of a stage, and foreign ones with names that it wants. */
export interface LiveState {
  functions: readonly LiveFunction[];
}

/**
 * Reads the functions of this stage, and foreign ones with names that it wants.
 * @param asksForEach also reads desired functions that are not listed: a list may lag behind
 * @throws CallFailed
 */
export async function liveState(
  api: FunctionGraphApi,
  desired: Pick<DesiredState, 'service' | 'stage' | 'functions'>,
  asksForEach = false,
): Promise<LiveState> {
  const mark = ownerMark(desired);
  const names = new Set(desired.functions.map(({ name }) => name));
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
    // undefined if it was deleted after it was listed.
    return configuration && { name, isOwn: isOwn(configuration), configuration, triggers, asynchronous };
  };
  const unlisted = asksForEach ? [...names].filter((name) => !relevant.includes(name)) : [];
  const functions = await Promise.all([
    ...relevant.map(look),
    ...unlisted.map(async (name) => ((await api.showFunction(name)) === undefined ? undefined : look(name))),
  ]);
  return { functions: functions.filter((one) => one !== undefined) };
}
