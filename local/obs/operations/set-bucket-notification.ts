import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { ObsError } from '../errors';
import { NOTIFICATION_EVENTS } from '../journal-entry';
import { filtersOverlap } from '../notification';
import type { Notification } from '../object-store';
import { bucketOf, type Call, type Operation, requireBucket } from '../operation';
import { readText } from '../request-body';
import { oneOrMany, parseXml } from '../xml';

const MAX_NOTIFICATIONS = 100;
const MAX_FILTER_CHARACTERS = 1024;

const filterRules = z
  .object({ FilterRule: oneOrMany(z.object({ Name: z.string(), Value: z.string().default('') })) })
  .or(z.literal(''));
const common = {
  Id: z.string().optional(),
  Filter: z
    .object({ Object: filterRules.optional(), S3Key: filterRules.optional() })
    .or(z.literal(''))
    .optional(),
  Event: oneOrMany(z.string()),
};
const configuration = z
  .object({
    FunctionGraphConfiguration: oneOrMany(z.object({ ...common, FunctionGraph: z.string() })).optional(),
    FunctionStageConfiguration: oneOrMany(z.object({ ...common, FunctionStage: z.string() })).optional(),
    TopicConfiguration: z.unknown().optional(),
  })
  .or(z.string().regex(/^\s*$/));

type Configured = z.infer<z.ZodObject<typeof common>> & { urn: string };

/**
 * PUT /bucket?notification. The element is called FunctionGraph in the SDKs and in international documents,
 * FunctionStage in Chinese ones. An empty document ends all notifications.
 */
export const setBucketNotification: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const document = parseXml(await readText(call.request), 'NotificationConfiguration', configuration);
  const notifications = configuredIn(document).map((configured) => notificationOf(configured, call));
  if (notifications.length > MAX_NOTIFICATIONS) {
    refuse(
      `The configuration holds ${notifications.length} notifications, the limit is ${MAX_NOTIFICATIONS}.`,
    );
  }
  notifications.forEach((notification, index) => {
    for (const earlier of notifications.slice(0, index)) refuseConflict(notification, earlier);
  });
  await call.store.setNotifications(bucketOf(call), notifications);
  return { status: 200 };
};

function configuredIn(document: z.infer<typeof configuration>): Configured[] {
  if (typeof document === 'string') return [];
  if (document.TopicConfiguration !== undefined) {
    throw new ObsError(
      'NotImplemented',
      'Notifications to topics of SMN are not implemented by the OBS of the local cloud.',
    );
  }
  return [
    ...(document.FunctionGraphConfiguration ?? []).map(({ FunctionGraph: urn, ...one }) => ({ ...one, urn })),
    ...(document.FunctionStageConfiguration ?? []).map(({ FunctionStage: urn, ...one }) => ({ ...one, urn })),
  ];
}

function notificationOf({ Id, urn, Event, Filter }: Configured, { region, functions }: Call): Notification {
  const { functionRegion } =
    /^urn:fss:(?<functionRegion>[^:]+):[^:]+:function:[^:]+:[^:]+(:[^:]+)?$/.exec(urn)?.groups ?? {};
  if (functionRegion === undefined) {
    refuse(
      `'${urn}' is not the URN of a function: expected urn:fss:<region>:<project>:function:<package>:<name>:<version>.`,
    );
  }
  if (functionRegion !== region) {
    refuse(
      `The function '${urn}' is in '${functionRegion}', the bucket in '${region}': both must be in one region.`,
    );
  }
  if (functions?.has(urn) === false) refuse(`There is no function '${urn}'.`);
  return { id: Id || randomUUID(), functionUrn: urn, events: Event.map(eventOf), ...filterOf(Filter) };
}

function eventOf(name: string): Notification['events'][number] {
  const known = NOTIFICATION_EVENTS.find((event) => event === name.replace(/^s3:/, ''));
  return known ?? refuse(`Event '${name}' is invalid: use one of ${NOTIFICATION_EVENTS.join(', ')}.`);
}

function filterOf(filter: Configured['Filter']): Pick<Notification, 'prefix' | 'suffix'> {
  const rules = filter === undefined || filter === '' ? '' : (filter.Object ?? filter.S3Key ?? '');
  const found: { prefix?: string; suffix?: string } = {};
  for (const { Name, Value } of rules === '' ? [] : rules.FilterRule) {
    if (Name !== 'prefix' && Name !== 'suffix')
      refuse(`FilterRule '${Name}' is invalid: use prefix or suffix.`);
    if (found[Name] !== undefined) refuse(`The filter has two rules '${Name}': give one.`);
    if (Value.length > MAX_FILTER_CHARACTERS) {
      refuse(`The ${Name} has ${Value.length} characters, the limit is ${MAX_FILTER_CHARACTERS} characters.`);
    }
    found[Name] = Value;
  }
  return { prefix: found.prefix ?? '', suffix: found.suffix ?? '' };
}

function refuseConflict(one: Notification, other: Notification): void {
  if (one.id === other.id) refuse(`Two notifications have the Id '${one.id}': make each unique.`);
  if (filtersOverlap(one, other)) {
    const [a, b] = [one, other].map(({ prefix, suffix }) => `prefix '${prefix}', suffix '${suffix}'`);
    refuse(`The filters of '${one.id}' (${a}) and '${other.id}' (${b}) overlap: make them disjoint.`);
  }
}

function refuse(message: string): never {
  throw new ObsError('InvalidArgument', message);
}
