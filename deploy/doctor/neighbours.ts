import type { DesiredState } from '../desired-state';
import { ownerMark } from '../desired-state';
import type { FunctionGraphApi } from '../functiongraph-api';
import { type Finding, probe } from './finding';
import { CREATES_PER_MINUTE, DEFAULT_PACE } from './pace';

/** Settings of functions that matter to other stages. */
interface Settings {
  SNAPSHOT_BUCKET?: unknown;
  MPC_REQUESTS_PER_MINUTE?: unknown;
}

/**
 * Checks whether another stage of the project keeps its records in the same bucket, and whether all stages together may send
 * more creates than MPC accepts, from the settings of their deployed functions. Returns nothing if there is none.
 */
export async function checkNeighbours(desired: DesiredState, api: FunctionGraphApi): Promise<Finding[]> {
  const own: Settings = desired.functions.find(({ source }) => source === 'on-upload')?.userData ?? {};
  const bucket = own.SNAPSHOT_BUCKET;
  if (bucket === undefined) return [];
  const mark = ownerMark(desired);
  const found = await probe(async () => {
    const others = (await api.listFunctions()).flatMap(({ func_name: name, description }) => {
      const [found, stage] = /\[serverless ([^\]]+)\]$/.exec(description ?? '') ?? [];
      return stage === undefined || found === mark || !name.endsWith('on-upload') ? [] : [{ name, stage }];
    });
    return Promise.all(
      others.map(async ({ name, stage }) => ({
        stage,
        ...userDataOf((await api.showFunction(name))?.user_data),
      })),
    );
  });
  // If functions cannot be listed, checkFunctions reports that.
  if (!found.ok) return [];
  const beside = found.found.filter(({ SNAPSHOT_BUCKET }) => SNAPSHOT_BUCKET === bucket);
  const findings: Finding[] = [];
  if (beside.length > 0) {
    findings.push({
      point: `records in ${bucket}`,
      state: 'note',
      text: `${beside.map(({ stage }) => stage).join(', ')} keeps its records there too: stages in one bucket share the state of sweep, clean-up and pace, so uploads may wait for a later pass, and more creates may leave in a minute than each stage allows`,
      todo: 'give each stage its own snapshot bucket',
    });
  }
  const together = [{ stage: 'this stage', ...own }, ...found.found].map(
    ({ stage, MPC_REQUESTS_PER_MINUTE }) => ({
      stage,
      pace: Number(MPC_REQUESTS_PER_MINUTE ?? DEFAULT_PACE) || 0,
    }),
  );
  const sum = together.reduce((total, { pace }) => total + pace, 0);
  if (found.found.length > 0 && sum > CREATES_PER_MINUTE) {
    const parts = together.map(({ stage, pace }) => `${stage} ${pace}`).join(', ');
    findings.push({
      point: 'creates of all stages',
      state: 'note',
      text: `in a minute uploads of this project may cause ${parts}: more than the ${CREATES_PER_MINUTE} that MPC accepts, so a burst in one stage can delay the others`,
      todo: `lower MPC_REQUESTS_PER_MINUTE so that all together, and throttle.api of the callers, are ${CREATES_PER_MINUTE} at most`,
    });
  }
  return findings;
}

/** Parses user data, which FunctionGraph returns as JSON text. */
function userDataOf(text: string | null | undefined): Settings {
  try {
    return Object(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}
