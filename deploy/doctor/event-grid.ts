import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Finding, probe } from './finding';

/**
 * Checks that the key may use EventGrid, if events come through it: FunctionGraph creates the subscriptions, but
 * deleting them needs a call to EventGrid. Channels are not checked.
 */
export async function checkEventGrid(
  { functions, region }: DesiredState,
  cloud: CloudApi,
): Promise<Finding[]> {
  const channels = functions
    .flatMap(({ triggers }) => triggers)
    .filter(({ type }) => type === 'EVENTGRID')
    .map(({ eventData }) => `${eventData.channel_id}`);
  if (channels.length === 0) return [];
  return [
    await rightFinding(region, cloud),
    ...[...new Set(channels)].map(
      (channel): Finding => ({
        point: `event channel ${channel}`,
        state: 'unseen',
        text: 'channels are not checked',
        todo: 'look in the console (EventGrid, Event Channels), and for the agency that the event names (IAM, Agencies)',
      }),
    ),
  ];
}

async function rightFinding(region: string, cloud: CloudApi): Promise<Finding> {
  const point = 'right for EventGrid';
  const path = `/v1/${cloud.connection.projectId}/subscriptions`;
  const seen = await probe(() => cloud.call('eg', { method: 'GET', path, query: [['limit', '1']] }));
  if (seen.ok) return { point, state: 'ok', text: 'the key may see subscriptions' };
  if (seen.status === 401 || seen.status === 403) {
    return {
      point,
      state: 'note',
      text: `the key may not see subscriptions (${seen.reason}): deploying can create one, but neither change nor delete it`,
      todo: `let the key have the system policy "EG FullAccess" in ${region}`,
    };
  }
  const todo = 'look in the console whether the region has EventGrid';
  return { point, state: 'unseen', text: seen.reason, todo };
}
