import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { elementOf, ObsClient } from '../obs-client';
import { readRules } from '../setup/lifecycle';
import { type Finding, probe } from './finding';

/** How a bucket keeps replaced and deleted objects. */
interface Keeping {
  /** `Enabled`, `Suspended`, or empty if versioning was never enabled. */
  status: string;
  /** Days after which a rule for the whole bucket deletes old versions; undefined without such a rule. */
  clearedAfterDays: string | undefined;
}

const RULE =
  'NoncurrentVersionExpiration with NoncurrentDays (console: OBS, Basic Configurations, Lifecycle Rules, "Delete Object After (Days)" of historical versions)';

/**
 * Checks whether the buckets keep old versions of objects (GET ?versioning), and whether a lifecycle rule deletes them (GET
 * ?lifecycle). Returns nothing for a missing bucket.
 */
export async function checkVersioning(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const obs = new ObsClient(cloud);
  const withRecords = new Set(desired.functions.map(({ userData }) => userData.SNAPSHOT_BUCKET));
  const findings = await Promise.all(
    desired.buckets.map(async (bucket): Promise<Finding[]> => {
      const point = `versions in ${bucket}`;
      const found = await probe(() => keepingOf(bucket, obs));
      if (found.ok) return [{ point, ...verdict(found.found, withRecords.has(bucket)) }];
      // checkBuckets reports other failures.
      if (found.status !== 403) return [];
      const todo = `use a key with obs:bucket:GetBucketVersioning and obs:bucket:GetLifecycleConfiguration on ${bucket}`;
      return [{ point, state: 'unseen', text: 'OBS does not show it to this key', todo }];
    }),
  );
  return findings.flat();
}

async function keepingOf(bucket: string, obs: ObsClient): Promise<Keeping> {
  const { text } = await obs.call({ method: 'GET', bucket, subResource: 'versioning' });
  const status = elementOf(text, 'Status') ?? '';
  return { status, clearedAfterDays: status === '' ? undefined : await clearedAfterDays(bucket, obs) };
}

async function clearedAfterDays(bucket: string, obs: ObsClient): Promise<string | undefined> {
  const rules = (await readRules(bucket, obs)).filter(
    (rule) => elementOf(rule, 'Status') === 'Enabled' && !/<Prefix>[^<]/.test(rule),
  );
  return rules.map((rule) => elementOf(rule, 'NoncurrentDays')).find((days) => days !== undefined);
}

function verdict({ status, clearedAfterDays }: Keeping, hasRecords: boolean): Omit<Finding, 'point'> {
  if (status === '') return { state: 'ok', text: 'none are kept: replaced and deleted objects are gone' };
  const kept = status === 'Enabled' ? 'are kept' : 'are no longer kept, but existing ones stay';
  if (clearedAfterDays !== undefined)
    return { state: 'ok', text: `${kept}; a rule deletes old ones after ${clearedAfterDays} d` };
  const meaning = hasRecords
    ? 'every picture and record that is overwritten or deleted still costs storage; the pace alone writes many a minute'
    : 'every replaced or deleted video still costs storage; the newest version is captured, a delete marker starts nothing';
  return {
    state: 'note',
    text: `${kept}: ${meaning}`,
    todo: `give the whole bucket a lifecycle rule ${RULE}${hasRecords ? ', 1 d, or keep no versions in it' : ''}`,
  };
}
