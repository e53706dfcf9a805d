import type { DesiredState } from '../desired-state';
import { ownerMark } from '../desired-state';
import type { FunctionGraphApi } from '../functiongraph-api';
import { type Finding, probe } from './finding';

/**
 * Whether a stage beside this one keeps its records in the same bucket: the functions of the project that were deployed from
 * here are asked for their settings. Nothing is said where there is none.
 */
export async function checkNeighbours(wanted: DesiredState, api: FunctionGraphApi): Promise<Finding[]> {
  const bucket = wanted.functions.find(({ source }) => source === 'on-upload')?.userData.SNAPSHOT_BUCKET;
  if (bucket === undefined) return [];
  const mark = ownerMark(wanted);
  const found = await probe(async () => {
    const others = (await api.listFunctions()).flatMap(({ func_name: name, description }) => {
      const [own, stage] = /\[serverless ([^\]]+)\]$/.exec(description ?? '') ?? [];
      return stage === undefined || own === mark || !name.endsWith('on-upload') ? [] : [{ name, stage }];
    });
    const settings = await Promise.all(
      others.map(async ({ name, stage }) => ({
        stage,
        ...userDataOf((await api.showFunction(name))?.user_data),
      })),
    );
    return settings.filter(({ SNAPSHOT_BUCKET }) => SNAPSHOT_BUCKET === bucket).map(({ stage }) => stage);
  });
  // Where functions cannot be listed, the look at our own says it.
  if (!found.ok || found.found.length === 0) return [];
  return [
    {
      point: `records in ${bucket}`,
      state: 'note',
      text: `${found.found.join(', ')} keeps its records there too: the sweeps, the clean-ups and the paces of stages in one bucket know only one state, so that uploads may wait until a later pass, and more creates may leave in a minute than each stage may send`,
      todo: 'give each stage a snapshot bucket of its own',
    },
  ];
}

/** User data as FunctionGraph keeps it, a text of JSON. */
function userDataOf(text: string | null | undefined): { SNAPSHOT_BUCKET?: unknown } {
  try {
    return Object(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}
