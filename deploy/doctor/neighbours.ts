import type { DesiredState } from '../desired-state';
import { ownerMark } from '../desired-state';
import type { FunctionGraphApi } from '../functiongraph-api';
import { type Finding, probe } from './finding';

/**
 * Checks whether another stage of the project keeps its records in the same bucket, from the settings of its deployed
 * functions. Returns nothing if there is none.
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
  // If functions cannot be listed, checkFunctions reports that.
  if (!found.ok || found.found.length === 0) return [];
  return [
    {
      point: `records in ${bucket}`,
      state: 'note',
      text: `${found.found.join(', ')} keeps its records there too: stages in one bucket share the state of sweep, clean-up and pace, so uploads may wait for a later pass, and more creates may leave in a minute than each stage allows`,
      todo: 'give each stage its own snapshot bucket',
    },
  ];
}

/** Parses user data, which FunctionGraph returns as JSON text. */
function userDataOf(text: string | null | undefined): { SNAPSHOT_BUCKET?: unknown } {
  try {
    return Object(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}
