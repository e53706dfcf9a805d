import type { CloudApi } from '../cloud-api';
import { type DesiredState, foldersOfCaptures } from '../desired-state';
import { elementOf, ObsClient } from '../obs-client';
import { EXPIRIES, readRules } from '../setup/lifecycle';
import { type Finding, probe } from './finding';

/** A lifecycle rule, as far as it decides what can be read later. */
interface Rule {
  id: string;
  prefix: string;
  /** For example `after 30 d`; undefined if it does not do this. */
  archives: string | undefined;
  deletes: string | undefined;
}

/** What the functions keep in a bucket, and what happens to it. */
interface Contents {
  /** Empty: the whole bucket. */
  folder: string;
  what: string;
  /** Folders in it that rules may clear. */
  except: readonly string[];
  ifArchived: string;
  /** Undefined if deletion does no harm. */
  ifDeleted: string | undefined;
}

const RECORDS: Contents = {
  folder: '.mpc-snapshots/',
  what: 'records',
  except: EXPIRIES.map(({ prefix }) => prefix),
  ifArchived: 'the functions cannot read them, so their videos fail, and after a pause the sweep too',
  ifDeleted: 'a video without its record is captured again, and the API no longer knows its task',
};

const VIDEOS: Contents = {
  folder: '',
  what: 'videos',
  except: [],
  ifArchived: 'capturing one of these again (a changed CAPTURE, a backfill) fails until it is restored',
  // What is left of deleted videos is the matter of ON_REMOVAL.
  ifDeleted: undefined,
};

const PICTURES = {
  what: 'pictures and files',
  except: [],
  ifArchived: 'nobody can open them until they are restored',
  ifDeleted: 'the API still gives their addresses, which lead nowhere',
};

/** Objects of these classes must be restored before anybody reads them. */
const ARCHIVES = /^(COLD|GLACIER|DEEP_ARCHIVE)$/;

/**
 * Checks the default class of the buckets (GET ?storageClass), and whether lifecycle rules archive or delete what the functions
 * need (GET ?lifecycle). Returns nothing for a missing bucket.
 */
export async function checkStorage(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const obs = new ObsClient(cloud);
  const findings = await Promise.all(
    desired.buckets.map(async (bucket): Promise<Finding[]> => {
      const point = `storage in ${bucket}`;
      const [storageClass, rules] = await Promise.all([
        probe(async () => {
          const { text } = await obs.call({ method: 'GET', bucket, subResource: 'storageClass' });
          return elementOf(text.replace(/ xmlns="[^"]*"/, ''), 'StorageClass') ?? '';
        }),
        probe(async () => (await readRules(bucket, obs)).flatMap(ruleOf)),
      ]);
      const notes = rules.ok ? rules.found.flatMap((rule) => harmOf(rule, contentsOf(bucket, desired))) : [];
      const found: Finding[] = notes.map((text) => ({ point, state: 'note', text, todo: HOW_TO_NARROW }));
      if (storageClass.ok && ARCHIVES.test(storageClass.found)) {
        found.unshift({
          point,
          state: 'missing',
          text: `new objects are archived at once (class ${storageClass.found}): neither MPC nor the functions can read them`,
          todo: 'set the default class of the bucket to STANDARD (console: OBS, Overview). Objects that are there keep theirs: restore them',
        });
      }
      if (found.length > 0) return found;
      const unseen = [storageClass, rules].find((one) => !one.ok && one.status === 403);
      if (unseen !== undefined) {
        const todo = `use a key with obs:bucket:GetBucketStoragePolicy and obs:bucket:GetLifecycleConfiguration on ${bucket}`;
        return [{ point, state: 'unseen', text: 'OBS does not show it to this key', todo }];
      }
      // checkBuckets reports other failures.
      if (!storageClass.ok || !rules.ok) return [];
      return [{ point, state: 'ok', text: 'nothing that the functions need is archived or deleted' }];
    }),
  );
  return findings.flat();
}

const HOW_TO_NARROW =
  'narrow the prefix of the rule, or delete it (console: OBS, Basic Configurations, Lifecycle Rules)';

function contentsOf(bucket: string, { functions }: DesiredState): Contents[] {
  const contents: Contents[] = [];
  for (const { source, userData } of functions) {
    if (source !== 'on-upload') continue;
    const { SNAPSHOT_BUCKET, UPLOAD_BUCKETS = '', OUTPUT_DIRECTORY, CAPTURES = '' } = userData;
    if (UPLOAD_BUCKETS.split(',').includes(bucket))
      contents.push({ ...VIDEOS, folder: userData.UPLOAD_PREFIX ?? '' });
    if (SNAPSHOT_BUCKET !== bucket) continue;
    const folders = [(OUTPUT_DIRECTORY ?? 'snapshots/').split('{')[0] ?? '', ...foldersOfCaptures(CAPTURES)];
    contents.push(RECORDS, ...[...new Set(folders)].map((folder) => ({ ...PICTURES, folder })));
  }
  return contents;
}

function harmOf({ id, prefix, archives, deletes }: Rule, contents: readonly Contents[]): string[] {
  return contents.flatMap(({ folder, what, except, ifArchived, ifDeleted }) => {
    const touches = folder.startsWith(prefix) || prefix.startsWith(folder);
    if (!touches || except.some((one) => prefix.startsWith(one))) return [];
    return [
      ...(archives === undefined ? [] : [`rule ${id} archives ${what} ${archives}: ${ifArchived}`]),
      ...(deletes === undefined || ifDeleted === undefined
        ? []
        : [`rule ${id} deletes ${what} ${deletes}: ${ifDeleted}`]),
    ];
  });
}

function ruleOf(xml: string): Rule[] {
  if (elementOf(xml, 'Status') !== 'Enabled') return [];
  const current = xml.replace(/<Noncurrent(\w+)>.*?<\/Noncurrent\1>/gs, '');
  const transitions = current.match(/<Transition>.*?<\/Transition>/gs) ?? [];
  const [expiration] = current.match(/<Expiration>.*?<\/Expiration>/gs) ?? [];
  const archiving = transitions.find((one) => ARCHIVES.test(elementOf(one, 'StorageClass') ?? ''));
  return [
    {
      id: elementOf(xml, 'ID') ?? 'without a name',
      prefix: elementOf(xml, 'Prefix') ?? '',
      archives: archiving && whenOf(archiving),
      deletes: expiration && whenOf(expiration),
    },
  ];
}

function whenOf(action: string): string {
  const days = elementOf(action, 'Days');
  return days === undefined ? `on ${elementOf(action, 'Date')?.slice(0, 10)}` : `after ${days} d`;
}
