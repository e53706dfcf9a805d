import type { ObjectEvent } from './object-event';
import { NULL_VERSION } from './store-state';

/**
 * How a function learns about an object: `s3` is the classic OBS trigger of FunctionGraph, `obs` the notification
 * message of OBS (version 3.0), `eventgrid` the CloudEvent of an EventGrid subscription.
 */
export type EventShape = 's3' | 'obs' | 'eventgrid';

const ACCOUNT_ID = '00000000000000000000000000000001';
const DEFAULT_CONFIGURATION_ID = 'local-obs-trigger';
const CHINA_OFFSET_MS = 8 * 3600 * 1000;

/** Encodes a key as events do: like a form field, `/` as `%2F` and a space as `+` (OBS user guide, obs_41_0045). */
export function encodeEventKey(key: string): string {
  return new URLSearchParams([['', key]]).toString().slice(1);
}

/**
 * Renders changes of objects as FunctionGraph hands them to a function.
 *
 * @param options.encodeKeys false for a trigger whose key encoding is off
 * @param options.configurationId id of the trigger or notification
 * @returns `{Records: […]}` for `s3` and `obs`; one CloudEvent for `eventgrid`
 * @throws Error for `eventgrid` unless there is exactly one event
 */
export function renderObjectEvents(
  shape: EventShape,
  events: readonly ObjectEvent[],
  region: string,
  options: { encodeKeys?: boolean; configurationId?: string } = {},
): unknown {
  const { encodeKeys = true, configurationId = DEFAULT_CONFIGURATION_ID } = options;
  const source = { region, configurationId };
  const keyOf = (event: ObjectEvent) => (encodeKeys ? encodeEventKey(event.key) : event.key);
  switch (shape) {
    case 's3':
      return { Records: events.map((event) => s3Record(event, keyOf(event), source)) };
    case 'obs':
      return { Records: events.map((event) => obsRecord(event, keyOf(event), source)) };
    case 'eventgrid': {
      const [event, ...others] = events;
      if (event === undefined || others.length > 0) {
        throw new Error(
          `an EventGrid event holds exactly one object event, not ${events.length}: render them one by one`,
        );
      }
      return cloudEvent(event, keyOf(event), source);
    }
  }
}

/** Where an event comes from, besides the bucket. */
interface EventSource {
  region: string;
  configurationId: string;
}

/** Fields and spelling (`PrincipalId` beside `principalId`) as captured. */
function s3Record(event: ObjectEvent, key: string, { region, configurationId }: EventSource) {
  return {
    eventVersion: '2.0',
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: new Date(event.timeMs).toISOString(),
    eventName: event.eventName,
    userIdentity: { principalId: ACCOUNT_ID },
    requestParameters: { sourceIPAddress: event.sourceIp },
    responseElements: { 'x-amz-request-id': event.requestId, 'x-amz-id-2': '' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: {
        name: event.bucket,
        ownerIdentity: { PrincipalId: ACCOUNT_ID },
        arn: `arn:aws:s3:::${event.bucket}`,
      },
      object: {
        key,
        ...contentOf(event),
        versionId: event.versionId ?? NULL_VERSION,
        sequencer: event.sequencer,
      },
    },
  };
}

/** As the OBS user guide describes the notification message. */
function obsRecord(event: ObjectEvent, key: string, { region, configurationId }: EventSource) {
  return {
    eventVersion: '3.0',
    eventSource: 'OBS',
    eventRegion: region,
    eventTime: new Date(event.timeMs).toISOString(),
    eventName: event.eventName,
    userIdentity: { ID: ACCOUNT_ID },
    requestParameters: { sourceIPAddress: event.sourceIp },
    responseElements: { 'x-obs-request-id': event.requestId, 'x-obs-id-2': '' },
    obs: {
      Version: '1.0',
      configurationId,
      bucket: { name: event.bucket, ownerIdentity: { ID: ACCOUNT_ID }, bucket: event.bucket },
      object: {
        key,
        ...contentOf(event),
        versionId: event.versionId ?? NULL_VERSION,
        sequencer: event.sequencer,
      },
    },
  };
}

/**
 * As captured in cn-east-3, with its oddities: the inner time is local time marked `Z`, the sequencer is always `1`.
 */
function cloudEvent(event: ObjectEvent, key: string, source: EventSource) {
  const record = obsRecord(event, key, source);
  return {
    specversion: '1.0',
    id: event.requestId,
    source: 'HC.OBS.DWR',
    type: `OBS:DWR:${event.eventName.replace(/:(Put|Post|Copy)$/, (name) => name.toUpperCase())}`,
    datacontenttype: 'application/json',
    dataschema: '',
    subject: event.key,
    time: new Date(event.timeMs).toISOString().replace('Z', '000000Z'),
    ttl: '4000',
    data: {
      ...record,
      eventTime: new Date(event.timeMs + CHINA_OFFSET_MS).toISOString(),
      responseElements: { ...record.responseElements, 'x-amz-request-id': '', 'x-amz-id-2': '' },
      obs: {
        ...record.obs,
        bucket: { ...record.obs.bucket, arn: '' },
        object: {
          ...record.obs.object,
          versionId: event.versionId ?? `G${event.sequencer.slice(-31)}null`,
          sequencer: '1',
          oldpsxpth: '',
        },
      },
    },
  };
}

/** ETag and size, which a removed object does not have. */
function contentOf({ etag, sizeBytes }: ObjectEvent) {
  return { ...(etag !== undefined && { eTag: etag }), ...(sizeBytes !== undefined && { size: sizeBytes }) };
}
