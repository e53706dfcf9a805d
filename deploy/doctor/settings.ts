import { readFinishSettings } from '../../shared/installation/finish-settings';
import { readSettings, type Settings } from '../../shared/installation/settings';
import type { DesiredFunction, DesiredState } from '../desired-state';
import { DeployError } from '../errors';
import type { Finding } from './finding';

/** Checks that the functions accept their user data, with the functions' own code. */
export function checkSettings({ functions }: DesiredState): Finding[] {
  const keysByIssue = new Map<string, string[]>();
  for (const one of functions) {
    const issue = settingsIssue(one);
    if (issue !== undefined) keysByIssue.set(issue, [...(keysByIssue.get(issue) ?? []), one.key]);
  }
  const notes = [...unreadNotes(functions), ...sharedDirectoryNotes(functions)];
  if (keysByIssue.size === 0) {
    return [{ point: 'user data', state: 'ok', text: 'the functions accept their settings' }, ...notes];
  }
  const findings = [...keysByIssue].map(
    ([text, keys]): Finding => ({
      point: `user data of ${keys.join(', ')}`,
      state: 'missing',
      text,
      todo: 'change environment in serverless.yml, or the parameters with its values (docs/settings.md)',
    }),
  );
  return [...findings, ...notes];
}

/** @throws DeployError when a function would refuse its user data */
export function refuseSettings(desired: DesiredState): void {
  const issues = checkSettings(desired).filter(({ state }) => state === 'missing');
  if (issues.length > 0) throw new DeployError(issues.map(({ point, text }) => `${point}: ${text}`));
}

/** What is wrong with the user data of a function; undefined when it is accepted. */
function settingsIssue({ userData, secrets, source, triggers }: DesiredFunction): string | undefined {
  const values: Readonly<Record<string, string>> = { ...userData, ...secrets };
  const typing = typingError(Object.keys(values));
  if (typing !== undefined) return typing;
  if (values.CAPTURE !== undefined && !isJson(values.CAPTURE)) {
    return `CAPTURE must be a map, or JSON in a text, got "${values.CAPTURE}"`;
  }
  try {
    // Variables of this shell must not count as settings of the functions.
    const context = { getUserData: (key: string) => values[key] };
    const settings = readSettings(context, {});
    readFinishSettings(context, settings, {});
    return source === 'on-upload' ? skippedEvent(settings, triggers) : undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^wrong settings: /, '') : String(error);
  }
}

/** Names an event whose uploads the settings would all skip; undefined when there is none. */
function skippedEvent(
  { uploadBuckets, uploadPrefix, uploadSuffixes }: Settings,
  triggers: DesiredFunction['triggers'],
): string | undefined {
  for (const { type, eventData } of triggers) {
    if (type !== 'OBS' && type !== 'EVENTGRID') continue;
    const [bucket, prefix, suffix] = ['bucket', 'prefix', 'suffix'].map((field) => String(eventData[field]));
    const event = `nothing of the ${type} event of ${bucket}/${prefix}*${suffix} would be captured`;
    if (!uploadBuckets.includes(bucket ?? '')) {
      return `UPLOAD_BUCKETS must name ${bucket} too, for ${event}, got "${uploadBuckets.join(',')}"`;
    }
    if (!meet(prefix ?? '', uploadPrefix, 'startsWith')) {
      return `UPLOAD_PREFIX must fit the event, for ${event}, got "${uploadPrefix}"`;
    }
    const ending = (suffix ?? '').toLowerCase();
    if (!uploadSuffixes.some((known) => meet(ending, known, 'endsWith'))) {
      return `UPLOAD_SUFFIXES must fit the event, for ${event}, got "${uploadSuffixes.join(',')}"`;
    }
  }
  return undefined;
}

function meet(one: string, other: string, how: 'startsWith' | 'endsWith'): boolean {
  return one[how](other) || other[how](one);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** All names of settings that the functions read. */
function namesRead(): ReadonlySet<string> {
  const names = new Set<string>();
  const getUserData = (name: string) => {
    names.add(name);
    return EXAMPLE[name];
  };
  readFinishSettings({ getUserData }, readSettings({ getUserData }, {}), {});
  return names;
}

/** Settings without a default. */
const EXAMPLE: Readonly<Record<string, string>> = {
  REGION: 'ap-southeast-3',
  UPLOAD_BUCKETS: 'uploads',
  SNAPSHOT_BUCKET: 'snapshots',
};

/** Reports a name that nearly matches a setting: the functions would ignore it silently. */
function typingError(names: readonly string[]): string | undefined {
  const known = namesRead();
  for (const name of names.filter((one) => !known.has(one))) {
    const meant = [...known].find((one) => isNear(name.toUpperCase(), one));
    if (meant !== undefined) return `${name} is not a setting; did you mean ${meant}?`;
  }
  return undefined;
}

const FAR_ENOUGH = 3;

/** True if the edit distance is less than three letters. */
function isNear(one: string, other: string): boolean {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, its] of [...other].entries()) {
      const changed = (row[column] ?? 0) + (letter === its ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return (row.at(-1) ?? FAR_ENOUGH) < FAR_ENOUGH;
}

/** Videos with the same key in two upload buckets may share a directory: the last task then overwrites the pictures. */
function sharedDirectoryNotes(functions: DesiredState['functions']): Finding[] {
  const values = functions.find(({ source }) => source === 'on-upload')?.userData;
  if (values === undefined) return [];
  let settings: Settings;
  try {
    settings = readSettings({ getUserData: (key) => values[key] }, {});
  } catch {
    // checkSettings reports the issue.
    return [];
  }
  const { uploadBuckets, captures } = settings;
  const shared = captures.filter(({ directory }) => !/\{(bucket|etag)\}/.test(directory));
  if (uploadBuckets.length < 2 || shared.length === 0) return [];
  return [
    {
      point: 'output directories',
      state: 'note',
      text: `videos of the same key in ${uploadBuckets.join(' and ')} share ${shared.map(({ directory }) => directory).join(' and ')}: one overwrites the pictures of the other`,
      todo: 'if that can be, put {bucket} into OUTPUT_DIRECTORY or the capture’s directory, such as snapshots/{bucket}/{key}',
    },
  ];
}

function unreadNotes(functions: DesiredState['functions']): Finding[] {
  const known = namesRead();
  const names = functions.flatMap(({ userData, secrets }) => [
    ...Object.keys(userData),
    ...Object.keys(secrets),
  ]);
  const unread = [...new Set(names)].filter((name) => !known.has(name));
  if (unread.length === 0) return [];
  return [
    {
      point: 'user data',
      state: 'note',
      text: `${unread.join(', ')}: no function reads it`,
      todo: 'remove it from environment in serverless.yml, unless your own code reads it (docs/settings.md)',
    },
  ];
}
