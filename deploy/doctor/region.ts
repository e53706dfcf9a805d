import * as z from 'zod';
import type { DesiredState } from '../desired-state';
import type { TriggerType } from '../desired-triggers';
import type { FunctionGraphApi } from '../functiongraph-api';
import { type Finding, type Probe, probe } from './finding';

const RuntimeTypes = z.array(z.object({ type: z.string() }));
const TriggerTypes = z.array(z.string());

/** Regions with MPC for which FunctionGraph's user guide names EventGrid triggers. */
const EVENTGRID_REGIONS = 'cn-north-4, cn-east-3 or cn-south-1';

/** The knowledge from documents and the vendor's SDK, for a region that cannot be asked. */
function isSaidToLack(region: string, type: TriggerType): boolean {
  // No OBS triggers on the site of the Chinese mainland (FunctionGraph API reference, creating a trigger).
  if (type === 'OBS') return region.startsWith('cn-');
  // The SDK has no EventGrid there; the user guide has no triggers of dedicated gateways there.
  return region === 'cn-north-1' && (type === 'EVENTGRID' || type === 'DEDICATEDGATEWAY');
}

/** Checks that the region has the desired runtime and triggers. Asks FunctionGraph for both. */
export async function checkRegion(desired: DesiredState, { cloud }: FunctionGraphApi): Promise<Finding[]> {
  const get = async (what: string): Promise<unknown> =>
    (
      await cloud.call('functiongraph', {
        method: 'GET',
        path: `/v2/${cloud.connection.projectId}/fgs/${what}`,
      })
    ).body;
  const [runtimes, types] = await Promise.all([
    probe(async () => RuntimeTypes.parse(await get('runtimetypes')).map(({ type }) => type)),
    probe(async () => TriggerTypes.parse(await get('triggertypes'))),
  ]);
  return [...runtimeFindings(desired, runtimes), ...triggerFindings(desired, types)];
}

function runtimeFindings({ region, functions }: DesiredState, runtimes: Probe<string[]>): Finding[] {
  return [...new Set(functions.map(({ runtime }) => runtime))].map((runtime): Finding => {
    const point = `runtime ${runtime}`;
    if (!runtimes.ok)
      return { point, state: 'unseen', text: `no information from ${region}: ${runtimes.reason}` };
    if (runtimes.found.includes(runtime)) return { point, state: 'ok', text: `${region} has it` };
    const others = runtimes.found.filter((name) => name.startsWith('Node.js')).join(', ') || 'no Node.js';
    return {
      point,
      state: 'missing',
      text: `${region} has ${others}; the functions need Node.js 20`,
      todo: 'deploy to another region (HUAWEICLOUD_SDK_REGION), with its own project, buckets, agency and gateway',
    };
  });
}

function triggerFindings({ region, functions }: DesiredState, types: Probe<string[]>): Finding[] {
  const desired = [...new Set(functions.flatMap(({ triggers }) => triggers.map(({ type }) => type)))];
  const point = 'triggers';
  const lacks = (type: TriggerType) => (types.ok ? !types.found.includes(type) : isSaidToLack(region, type));
  const lacking = desired.filter(lacks);
  if (lacking.length > 0) {
    return lacking.map((type) => ({
      point: `${type} triggers`,
      state: 'missing',
      text: types.ok ? `${region} has ${types.found.join(', ')}` : `${region} has none, by the documents`,
      todo: insteadOf(type, lacks),
    }));
  }
  if (!types.ok) return [{ point, state: 'unseen', text: `no information from ${region}: ${types.reason}` }];
  return desired.length === 0 ? [] : [{ point, state: 'ok', text: `${region} has ${desired.join(', ')}` }];
}

/** The alternative to a missing type of trigger. */
function insteadOf(type: TriggerType, lacks: (type: TriggerType) => boolean): string {
  const elsewhere = 'choose another region (HUAWEICLOUD_SDK_REGION)';
  switch (type) {
    case 'OBS':
      return lacks('EVENTGRID')
        ? `${elsewhere}: outside the Chinese mainland for OBS triggers, ${EVENTGRID_REGIONS} for EventGrid`
        : 'use an eventgrid event in place of the obs event in serverless.yml';
    case 'EVENTGRID':
      return lacks('OBS')
        ? `${elsewhere}: ${EVENTGRID_REGIONS}`
        : 'use an obs event in place of the eventgrid event in serverless.yml';
    case 'APIG':
      return lacks('DEDICATEDGATEWAY')
        ? elsewhere
        : 'use a dedicated gateway: set APIG_INSTANCE_ID, and APIG_GROUP_ID to a group of it';
    case 'DEDICATEDGATEWAY':
      return lacks('APIG') ? elsewhere : 'use the shared gateway: leave APIG_INSTANCE_ID empty';
    default:
      return elsewhere;
  }
}
